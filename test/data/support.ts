/** What the tests of this room share: temporary folders, the small public-data fixtures and their configurations. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, parse } from 'node:path';
import { onTestFinished } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import { type DatasetConfig, type DatasetInput, datasetSchema } from '../../src/config/dataset.ts';
import { type Finding, validate } from '../../src/data/checks/validate.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openDuckDB, query } from '../../src/data/sql/duckdb.ts';

/** Options of a database that opens what a test names. */
export const EVERYWHERE = { access: { folders: [parse(import.meta.dirname).root] } };

export const fixture = (name: string): string => join(import.meta.dirname, '../fixtures', name);

/** A folder that goes when the test ends, with the files given. */
export function temporaryFolder(files: Record<string, string | Uint8Array> = {}): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-test-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), content);
  }
  return folder;
}

export const dataset = (input: DatasetInput): DatasetConfig => datasetSchema.parse(input);

/** The catalogue error that a promise ends in. */
export async function failure(promise: Promise<unknown>): Promise<TributaryError> {
  const caught = await promise.then(
    () => undefined,
    (cause: unknown) => cause,
  );
  if (!(caught instanceof TributaryError)) throw caught ?? new Error('expected an error, but it succeeded');
  return caught;
}

/** MovieLens 1M as AutoIFS' authors prepare it. */
export const ML1M: DatasetInput = {
  name: 'ml-1m',
  from: 'ratings',
  sources: {
    ratings: {
      path: 'ratings.dat',
      delimiter: '::',
      quote: '',
      header: false,
      columns: ['user_id', 'movie_id', 'rating', 'timestamp'],
    },
    users: {
      path: 'users.dat',
      delimiter: '::',
      quote: '',
      header: false,
      columns: ['user_id', 'gender', 'age', 'occupation', 'zip'],
    },
    movies: { path: 'movies.dat', delimiter: '::', quote: '', header: false, columns: ['movie_id', 'title', 'genres'] },
  },
  joins: [
    { source: 'movies', on: { movie_id: 'movie_id' }, kind: 'inner' },
    { source: 'users', on: { user_id: 'user_id' }, kind: 'inner' },
  ],
  groupRowsBy: ['movie_id', 'user_id'],
  fields: [
    { name: 'user_id', kind: 'categorical' },
    { name: 'movie_id', kind: 'categorical' },
    { name: 'gender', kind: 'categorical' },
    { name: 'age', kind: 'categorical' },
    { name: 'occupation', kind: 'categorical' },
    { name: 'zip', kind: 'categorical' },
    { name: 'cate_id', kind: 'categorical', expression: "split_part(genres, '|', 1)" },
    {
      name: 'domain_indicator',
      kind: 'categorical',
      expression: 'CASE WHEN age IN (1, 18) THEN 0 WHEN age = 25 THEN 1 ELSE 2 END',
    },
  ],
  scenario: { expression: 'CASE WHEN age IN (1, 18) THEN 0 WHEN age = 25 THEN 1 ELSE 2 END', values: [0, 1, 2] },
  tasks: [
    { name: 'click', label: 'rating > 3' },
    { name: 'like', label: 'rating > 4' },
  ],
  vocabulary: { from: 'all', minCount: 0 },
};

/** Tensors of a safetensors file: int32 or float32 values with their shape. */
export function readSafetensors(path: string): Record<string, { shape: number[]; values: Int32Array | Float32Array }> {
  const bytes = readFileSync(path);
  const length = Number(bytes.readBigUInt64LE(0));
  const header = JSON.parse(bytes.subarray(8, 8 + length).toString()) as Record<
    string,
    { dtype: string; shape: number[]; data_offsets: [number, number] }
  >;
  return Object.fromEntries(
    Object.entries(header)
      .filter(([name]) => name !== '__metadata__')
      .map(([name, { dtype, shape, data_offsets }]) => {
        const data = bytes.buffer.slice(
          bytes.byteOffset + 8 + length + data_offsets[0],
          bytes.byteOffset + 8 + length + data_offsets[1],
        );
        return [name, { shape, values: dtype === 'I32' ? new Int32Array(data) : new Float32Array(data) }];
      }),
  );
}

/** All rows of a Parquet file as objects. */
export async function readParquetRows(path: string): Promise<Record<string, unknown>[]> {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    return await query(connection, `SELECT * FROM read_parquet('${path}')`, 'reading');
  } finally {
    close();
  }
}

/** Writes the rows of a query as Parquet. */
export async function writeParquet(path: string, sql: string): Promise<void> {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  try {
    await connection.run(`COPY (${sql}) TO '${path}' (FORMAT parquet)`);
  } finally {
    close();
  }
}

/** Prepares a data set for one test: its manifest, its statistics and the rows of all parts. */
export async function prepareOnce(config: DatasetConfig, sourceFolder: string) {
  const { folder, manifest, statistics } = await prepare({
    config,
    sourceFolder,
    out: join(temporaryFolder(), 'out'),
  });
  const parts = ['train', 'validation', 'test'] as const;
  const rows = await Promise.all(parts.map((part) => readParquetRows(join(folder, manifest.splits[part].file))));
  return { folder, manifest, statistics, rows: rows.flat(), sizes: rows.map((part) => part.length) };
}

/** What `validate` says of one check. */
export const findingsOf = async (config: DatasetConfig, sourceFolder: string, check: string): Promise<Finding[]> =>
  (await validate(config, sourceFolder)).filter((finding) => finding.check === check);
