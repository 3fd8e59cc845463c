/** Tables and how they are joined. */
import { z } from 'zod';
import { secret } from '../events.ts';
import { distinctNames, name, sql } from './names.ts';

/** Rows of a database server. Either a query, or a table with a condition in the words of the server. */
const database = z
  .strictObject({
    /** The URL of the server, with user and password. */
    url: secret,
    /** The SELECT whose rows they are. It cannot write. */
    query: z.string().min(1).optional(),
    table: z.string().min(1).optional(),
    /** Of the table: keeps only rows for which this is true. */
    where: z.string().min(1).optional(),
    /**
     * Names a state of the rows, such as a day. Rows of a server that landed under this name are not asked for again. Default: they
     * land anew each time.
     */
    snapshot: z.string().min(1).optional(),
  })
  .superRefine(({ query, table, where }, { addIssue }) => {
    const problem = (at: string, message: string): void => addIssue({ code: 'custom', path: [at], message });
    if (query === undefined && table === undefined) problem('query', 'is missing: expected a SELECT, or a table');
    if (query !== undefined && table !== undefined) problem('table', 'expected a query or a table, not both');
    if (where !== undefined && table === undefined) problem('where', 'belongs to a table: write it into the query');
  });

const sourceOptions = z.strictObject({
  /**
   * A file, a folder, a glob or a list of them, relative to the source folder. Of rows that come from elsewhere: the folder that
   * they land in, `landed/NAME` by default.
   */
  path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  /** The rows come from PostgreSQL. */
  postgres: database.optional(),
  /** The rows come from ClickHouse, over HTTP. */
  clickhouse: database.optional(),
  /** The rows are what a program prints: its name and its words. `format` says in which format. */
  command: z.tuple([z.string().min(1)], z.string()).optional(),
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

const ORIGINS = ['postgres', 'clickhouse', 'command'] as const;

export const source = sourceOptions.superRefine((options, { addIssue }) => {
  const { path, format } = options;
  const problem = (at: string, message: string): void => addIssue({ code: 'custom', path: [at], message });
  const origins = ORIGINS.filter((origin) => options[origin] !== undefined);
  if (origins.length === 0 && path === undefined)
    problem('path', 'is missing: expected files, or postgres, clickhouse or command');
  if (origins.length > 1) problem(origins[1], `rows come from one place, found also ${origins[0]}`);
  if (origins.length > 0 && typeof path !== 'string' && path !== undefined)
    problem('path', `expected one folder, in which the rows of ${origins[0]} land`);
  if (options.command !== undefined && format === 'auto')
    problem('format', 'is missing: what does the command print, parquet, csv or json?');
});

/** Fills in where the rows of databases and programs land. */
export const withPlaces = <S extends { path?: string | string[] }>(
  sources: Record<string, S>,
): Record<string, S & { path: string | string[] }> =>
  Object.fromEntries(
    Object.entries(sources).map(([name, source]) => [name, { ...source, path: source.path ?? `landed/${name}` }]),
  );

export const join = z.strictObject({
  source: name,
  /** Column of the rows so far -> column of the joined source. */
  on: z.record(z.string(), z.string()).refine((on) => Object.keys(on).length > 0, 'name at least one pair of columns'),
  kind: z.enum(['left', 'inner']).default('left'),
});
