/** Tables and how they are joined. */
import { z } from 'zod';
import { distinctNames, name, sql } from './names.ts';

/** One table: a file, a glob or a list of them, relative to the source folder. */
export const source = z.strictObject({
  path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
  format: z.enum(['auto', 'csv', 'parquet', 'json']).default('auto'),
  /** CSV only: any text of 1 to 4 bytes, e.g. "::" or "\t". Found out by looking when absent. */
  delimiter: z.string().min(1).max(4).optional(),
  /** CSV only. "auto" takes UTF-8 where it is valid, Latin-1 where no character beyond ASCII is. */
  encoding: z.enum(['auto', 'utf-8', 'latin-1', 'utf-16']).default('auto'),
  /** CSV only: does the first line name the columns? Found out by looking when absent. */
  header: z.boolean().optional(),
  /** CSV only: column names for a file without a header line. */
  columns: z.array(z.string().min(1)).optional(),
  quote: z.string().max(1).optional(),
  /** CSV only: what stands before a quote within quotes: the quote itself, or a backslash (Spark, MySQL). Found out by looking when absent. */
  escape: z.string().max(1).optional(),
  /** CSV only: texts that mean "no value", the empty one besides. */
  nullValues: z.array(z.string()).default(['']),
  /** Name of a column that holds the path of the file that a row comes from. */
  fileColumn: name.optional(),
  /** Column -> SQL over the columns of this source: computed once per row of it, before joins. A column of the files wins. */
  derive: z.record(name, sql).superRefine(distinctNames('columns', Object.keys)).optional(),
});

export const join = z.strictObject({
  source: name,
  /** Column of the rows so far -> column of the joined source. */
  on: z.record(z.string(), z.string()).refine((on) => Object.keys(on).length > 0, 'name at least one pair of columns'),
  kind: z.enum(['left', 'inner']).default('left'),
});
