import type { Table } from '../table.ts';

/** A table of a report, with its title and notes. */
export interface Section {
  title: string;
  table: Table;
  notes: string[];
}
