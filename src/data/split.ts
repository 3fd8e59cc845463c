/**
 * The split: the table `placement` beside the rows table, in the same order: for every row its part (0 train,
 * 1 validation, 2 test) and its position there. Rows are placed by position when the parts are written.
 */
import { type DuckDBConnection, DuckDBDataChunk, INTEGER, UTINYINT } from '@duckdb/node-api';
import duckdb from '@duckdb/node-bindings';
import type { DatasetConfig, SplitName } from '../config/dataset.ts';
import { execute } from './duckdb.ts';
import { permutation } from './mt19937.ts';

export const SPLITS: SplitName[] = ['train', 'validation', 'test'];

/** Creates the table `placement` for `n` rows. */
export async function createPlacement(connection: DuckDBConnection, config: DatasetConfig, n: number): Promise<void> {
  const { split } = config;
  if (split.kind === 'random') {
    await writePlacement(connection, randomSplit(n, split.ratios, split.seed));
    return;
  }
  const part = split.kind === 'time' ? await timeBorders(connection, split.ratios, n) : 'split_key';
  // Parts keep the row order, so the row's own number serves as its position.
  await execute(
    connection,
    `CREATE TABLE placement AS SELECT ${part}::UTINYINT AS split, rowid::INTEGER AS position FROM rows`,
    'splitting the rows',
  );
}

interface Placement {
  /** [n] 0 train, 1 validation, 2 test */
  split: Uint8Array;
  /** [n] place within the part; only its order counts */
  position: Int32Array;
}

/**
 * AutoIFS' split: train is the head of a permutation of all rows, in that order; the others stay in row order, and the
 * head of a permutation of *them* is validation, the rest test.
 */
export function randomSplit(n: number, ratios: readonly [number, number, number], seed: number): Placement {
  const split = new Uint8Array(n).fill(2);
  const position = new Int32Array(n);
  const order = permutation(n, seed);
  const train = roundHalfToEven(n * ratios[0]);
  for (let i = 0; i < train; i++) {
    split[order[i]] = 0;
    position[order[i]] = i;
  }
  const left = new Int32Array(n - train);
  for (let row = 0, i = 0; row < n; row++) if (split[row] !== 0) left[i++] = row;
  const rest = ratios[1] + ratios[2];
  const validation = rest === 0 ? 0 : roundHalfToEven((left.length * ratios[1]) / rest);
  const chosen = permutation(left.length, seed).subarray(0, validation);
  // The recipe keeps validation in the order drawn; test keeps the row order.
  for (let i = 0; i < validation; i++) {
    split[left[chosen[i]]] = 1;
    position[left[chosen[i]]] = i;
  }
  for (const row of left) if (split[row] === 2) position[row] = row;
  return { split, position };
}

function roundHalfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** Hands the arrays to DuckDB chunk by chunk, without a value per row in JavaScript. */
async function writePlacement(connection: DuckDBConnection, { split, position }: Placement): Promise<void> {
  await execute(connection, 'CREATE TABLE placement (split UTINYINT, position INTEGER)', 'splitting the rows');
  const appender = await connection.createAppender('placement');
  const size = duckdb.vector_size();
  const chunk = DuckDBDataChunk.create([UTINYINT, INTEGER], size);
  for (let at = 0; at < split.length; at += size) {
    const rows = Math.min(size, split.length - at);
    chunk.reset();
    chunk.rowCount = rows;
    duckdb.copy_data_to_vector(duckdb.data_chunk_get_vector(chunk.chunk, 0), 0, split.buffer as ArrayBuffer, at, rows);
    duckdb.copy_data_to_vector(
      duckdb.data_chunk_get_vector(chunk.chunk, 1),
      0,
      position.buffer as ArrayBuffer,
      at * 4,
      rows * 4,
    );
    appender.appendDataChunk(chunk);
  }
  appender.closeSync();
}

/** The part of a row by its time: rows of one time are on the side on which the first of them falls. */
async function timeBorders(
  connection: DuckDBConnection,
  ratios: readonly [number, number, number],
  n: number,
): Promise<string> {
  await execute(
    connection,
    `CREATE TABLE borders AS
     SELECT min(time) FILTER (before >= ${roundHalfToEven(n * ratios[0])}) AS validation,
            min(time) FILTER (before >= ${roundHalfToEven(n * (ratios[0] + ratios[1]))}) AS test
     FROM (SELECT split_key AS time, sum(count(*)) OVER (ORDER BY split_key) - count(*) AS before FROM rows GROUP BY split_key)`,
    'finding the borders of the split',
  );
  return `CASE WHEN split_key >= (SELECT test FROM borders) THEN 2
               WHEN split_key >= (SELECT validation FROM borders) THEN 1 ELSE 0 END`;
}
