/** The block `features` of a serving configuration: tables of users and items, so that requests need only send ids. */
import { z } from 'zod';
import { name } from './dataset/names.ts';
import { bytes, secret } from './events.ts';

const one = (record: Record<string, string>): boolean => Object.keys(record).length === 1;

const tableOptions = z.strictObject({
  /** Whose rows they are: of the user (found by what user or context send), or of each item. */
  of: z.enum(['user', 'item']),
  /** A file, a folder, a glob or a list of them: Parquet, CSV or JSON. */
  path: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
  /** Instead of `path`, PostgreSQL: the URL of the server, with user and password. */
  url: secret.optional(),
  /** The query whose rows they are. It cannot write. */
  query: z.string().min(1).optional(),
  /** The source of the data set's configuration that it stands for. Default: the one of the table's name, or the only one. */
  source: name.optional(),
  /** Name in the request -> column with the id. Of an item the name may be `id`. */
  on: z.record(z.string().min(1), z.string().min(1)).refine(one, 'name one pair: a name in the request and a column'),
  /** Fields that it gives. Default: all whose expressions need only its columns. */
  fields: z.array(z.string().min(1)).min(1).optional(),
  /** Names of the models that it serves. Default: all. */
  models: z.array(z.string().min(1)).min(1).optional(),
});

const table = tableOptions.superRefine(({ path, url, query }, { addIssue }) => {
  const problem = (at: string, message: string): void => addIssue({ code: 'custom', path: [at], message });
  if (path === undefined && url === undefined && query === undefined)
    problem('path', 'is missing: expected files, or url and query of a database');
  if (path !== undefined && (url ?? query) !== undefined)
    problem('path', 'expected files, or url and query of a database, not both');
  if (url !== undefined && query === undefined) problem('query', 'is missing: expected a SELECT');
  if (query !== undefined && url === undefined)
    problem('url', 'is missing: expected env:NAME, an environment variable with the URL of the server');
});

export const featuresSchema = z.strictObject({
  tables: z.record(name, table).refine((tables) => Object.keys(tables).length > 0, 'name at least one table'),
  /** Fields that requests send although a table has columns that their expressions need. */
  sent: z.array(z.string().min(1)).default([]),
  /** Time between two readings of the tables. Default: they are read at the start and when an admin asks. */
  refreshSeconds: z.number().min(1).max(604_800).optional(),
  /** A larger table is refused: bytes that it would take in each process. */
  maxBytes: bytes.default(1e9),
  /** Read the tables in a process of its own, which ends afterwards, and with it the memory of the database. */
  ownProcess: z.boolean().default(true),
});

export type FeaturesConfig = z.output<typeof featuresSchema>;
export type FeatureTableConfig = FeaturesConfig['tables'][string];
