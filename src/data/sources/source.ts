/** A source of a configuration: its files, its columns and its view in the database. */
import type { DatasetConfig } from '../../config/dataset.ts';
import type { Misfit } from '../formats/bind.ts';
import type { Column } from '../formats/columns.ts';
import type { Format } from '../formats/format.ts';
import { SOURCE_SCHEMA } from '../sql/allowed.ts';
import { identifier } from '../sql/text.ts';

export type SourceConfig = DatasetConfig['sources'][string];

export interface Source {
  name: string;
  format: Format;
  /** Absolute paths, in reading order. */
  files: string[];
  columns: Column[];
  rows: number;
  /** By column in lower case: values that do not fit the types from training. */
  misfits: ReadonlyMap<string, Misfit>;
  original: Original;
}

/** The columns of the files as they are: nothing derived, nothing missing that was there. */
export interface Original {
  columns: Column[];
  /** SQL that gives them; and all as texts where the files have nothing else. */
  sql: string;
  texts: string;
}

/**
 * The view of a source, in which missing values are NULL. Views have a schema of their own, so that a source may be called
 * like a table of ours.
 */
export const viewOf = (source: string): string => `${SOURCE_SCHEMA}.${identifier(source)}`;

/** The source whose rows are the examples. */
export const baseSource = (config: DatasetConfig): string => config.from ?? Object.keys(config.sources)[0];

export const columnsOf = (sources: Source[], name: string): Column[] =>
  sources.find((s) => s.name === name)?.columns ?? [];
