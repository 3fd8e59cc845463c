/**
 * The split: the view `placed` over the rows table, which adds to every row its `split` (0 train, 1 validation, 2 test)
 * and its `position`: parts are written in the order of it.
 */
import type { DuckDBConnection } from '@duckdb/node-api';
import type { DatasetConfig } from '../../config/dataset.ts';
import type { Manifest } from '../prepared/prepared.ts';
import { execute, queryOne } from '../sql/duckdb.ts';
import { registerLookup } from '../sql/functions.ts';
import { permutation } from './mt19937.ts';

/** Creates the view `placed` over the table `rows` of `n` rows. Returns the borders of a split by time. */
export async function createSplit(
  connection: DuckDBConnection,
  config: DatasetConfig,
  n: number,
): Promise<Manifest['splitBorders']> {
  const { split } = config;
  let position = 'place'; // parts keep the row order
  let part = 'split_key'; // by a key or by a column: computed with the rows
  if (split.kind === 'random') {
    const { places, train, validation } = randomSplit(n, split.ratios, split.seed);
    await registerLookup(connection, 'tributary_place', await byPlace(connection, places));
    position = 'tributary_place(place::DOUBLE)';
    part = `CASE WHEN position < ${train} THEN 0 WHEN position < ${train + validation} THEN 1 ELSE 2 END`;
  } else if (split.kind === 'time') part = await timeBorders(connection, split.ratios, n);
  const rows = `SELECT *, ${position}::INTEGER AS position FROM rows`;
  await execute(
    connection,
    `CREATE TEMP VIEW placed AS SELECT *, ${part} AS split FROM (${rows})`,
    'splitting the rows',
  );
  return split.kind === 'time' ? readBorders(connection) : undefined;
}

/** The first times of validation and test as texts. */
async function readBorders(connection: DuckDBConnection): Promise<Manifest['splitBorders']> {
  const found = await queryOne(
    connection,
    'SELECT validation::VARCHAR AS validation, test::VARCHAR AS test FROM borders',
    'reading the borders of the split',
  );
  const text = (border: unknown): string | null => (border === null ? null : String(border));
  return { validation: text(found.validation), test: text(found.test) };
}

/** `values` of the rows in their order, by the places that rows have: with gaps where rows were left out. */
async function byPlace(connection: DuckDBConnection, values: Int32Array): Promise<Int32Array> {
  const doing = 'splitting the rows';
  const { last } = await queryOne(connection, 'SELECT max(place) AS last FROM rows', doing);
  if (Number(last) === values.length - 1) return values;
  const table = new Int32Array(Number(last) + 1);
  const result = await connection.stream('SELECT place FROM rows ORDER BY place');
  for (let row = 0; ; ) {
    const chunk = await result.fetchChunk();
    if (chunk === null || chunk.rowCount === 0) return table;
    const places = chunk.getColumnVector(0);
    for (let i = 0; i < chunk.rowCount; i++) table[places.getItem(i) as number] = values[row++];
  }
}

/** Where the rows go: first the train rows, then `validation` rows of validation, then the test rows. */
interface RandomSplit {
  /** [n] place of each row in that sequence */
  places: Int32Array;
  train: number;
  validation: number;
}

/**
 * AutoIFS' split: train is the head of a permutation of all rows, in that order; the others stay in row order, and the
 * head of a permutation of *them*, in that order, is validation; the rest, in row order, is test.
 */
export function randomSplit(n: number, ratios: readonly [number, number, number], seed: number): RandomSplit {
  const places = new Int32Array(n).fill(-1);
  const order = permutation(n, seed);
  const train = roundHalfToEven(n * ratios[0]);
  for (let i = 0; i < train; i++) places[order[i]] = i;

  const left = new Int32Array(n - train);
  for (let row = 0, i = 0; row < n; row++) if (places[row] < 0) left[i++] = row;
  const rest = ratios[1] + ratios[2];
  const validation = rest === 0 ? 0 : roundHalfToEven((left.length * ratios[1]) / rest);
  const drawn = permutation(left.length, seed);
  for (let i = 0; i < validation; i++) places[left[drawn[i]]] = train + i;

  let place = train + validation;
  for (const row of left) if (places[row] < 0) places[row] = place++;
  return { places, train, validation };
}

function roundHalfToEven(x: number): number {
  const down = Math.floor(x);
  if (x - down !== 0.5) return Math.round(x);
  return down % 2 === 0 ? down : down + 1;
}

/** SQL of a row's part by its time: rows of one time are on the side on which the first of them falls. */
async function timeBorders(
  connection: DuckDBConnection,
  ratios: readonly [number, number, number],
  n: number,
): Promise<string> {
  await execute(
    connection,
    `CREATE TEMP TABLE borders AS ${bordersSql('rows', ratios, n)}`,
    'finding the borders of the split',
  );
  return PART_BY_BORDERS;
}

/** SQL of the first times of validation and test, given `n` rows `from` with a `split_key` each. */
export function bordersSql(from: string, ratios: readonly [number, number, number], n: number): string {
  const counts = `SELECT split_key AS time, sum(count(*)) OVER (ORDER BY split_key) - count(*) AS before FROM ${from} GROUP BY split_key`;
  return `SELECT min(time) FILTER (before >= ${roundHalfToEven(n * ratios[0])}) AS validation,
            min(time) FILTER (before >= ${roundHalfToEven(n * (ratios[0] + ratios[1]))}) AS test
     FROM (${counts})`;
}

/** SQL of the part of a row with a `split_key`, next to the table `borders`. */
export const PART_BY_BORDERS = `CASE WHEN split_key >= (SELECT test FROM borders) THEN 2
               WHEN split_key >= (SELECT validation FROM borders) THEN 1 ELSE 0 END`;
