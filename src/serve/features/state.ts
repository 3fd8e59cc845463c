/** Tables as the admin routes and the log show them. */
import type { TableSet } from '../../features/contract.ts';
import type { ServedTables } from './store.ts';

export interface TableState {
  model: string;
  table: string;
  rows: number;
  /** In each process. */
  bytes: number;
  /** Rows that nobody can ask for. */
  without_id: number;
  /** That requests need not send. */
  fields: string[];
  /** When it was read. */
  read: string;
}

/** What a refresh did. */
export interface Refreshed {
  /** False where the files are those that were read before. */
  changed: boolean;
  tables: (TableState & { before?: { rows: number; bytes: number } })[];
}

export const statesOf = (model: string, { built, tables }: TableSet): TableState[] =>
  tables.map(({ name, rows, bytes, withoutId, fields, idFields }) => ({
    model,
    table: name,
    rows,
    bytes,
    without_id: withoutId,
    fields: [...idFields, ...fields],
    read: new Date(built).toISOString(),
  }));

/** The tables after a refresh next to those before. */
export function refreshed(after: readonly ServedTables[], before: readonly ServedTables[]): Refreshed {
  const tables = after.flatMap(({ name, set }) => statesOf(name, set));
  const old = before.flatMap(({ name, set }) => statesOf(name, set));
  return {
    changed: true,
    tables: tables.map((state) => {
      const same = old.find(({ model, table }) => model === state.model && table === state.table);
      return { ...state, ...(same && { before: { rows: same.rows, bytes: same.bytes } }) };
    }),
  };
}

/** Tables as a line of the log. */
export const shownTables = (tables: Refreshed['tables']): string =>
  tables
    .map(({ model, table, rows, bytes, without_id, fields, before }) => {
      const was = before === undefined ? '' : ` (before ${before.rows} rows, ${before.bytes} bytes)`;
      const lost = without_id === 0 ? '' : ` ${without_id} rows have no id.`;
      return `${table} gives ${model} ${fields.join(', ')}: ${rows} rows, ${bytes} bytes in each process${was}.${lost}`;
    })
    .join(' ');
