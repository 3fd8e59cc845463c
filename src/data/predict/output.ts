/** The file that a prediction writes: its format by its name, and whether it may take the place of what is there. */

import { closeSync, existsSync, fsyncSync, openSync, realpathSync, statSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { error } from '../../base/errors/index.ts';
import { firstRecord } from '../formats/csv-records.ts';
import { firstContent } from '../formats/file-kind.ts';
import type { Manifest } from '../prepared/prepared.ts';
import { rowColumn } from '../sources/joined.ts';
import type { Source } from '../sources/source.ts';
import { execute, openDuckDB, query } from '../sql/duckdb.ts';
import { filePath, identifier, literal, sameName } from '../sql/text.ts';

type Format = 'parquet' | 'csv' | 'json';

export interface Output {
  /** Where links lead to. */
  path: string;
  format: Format;
  /** Options of DuckDB's COPY. */
  options: string;
}

const FORMATS: [ending: RegExp, Omit<Output, 'path'>][] = [
  [/\.(parquet|pq)$/i, { format: 'parquet', options: 'FORMAT parquet, COMPRESSION zstd' }],
  [/\.csv(\.gz)?$/i, { format: 'csv', options: "FORMAT csv, HEADER, DELIMITER ','" }],
  [/\.tsv(\.gz)?$/i, { format: 'csv', options: "FORMAT csv, HEADER, DELIMITER '\t'" }],
  [/\.(jsonl|ndjson)(\.gz)?$/i, { format: 'json', options: 'FORMAT json' }],
];

/**
 * The output of a name. Throws PREDICT_OUTPUT_FORMAT for an ending that stands for no format, PREDICT_OUTPUT_OCCUPIED where
 * something is in its place that no prediction wrote (a file gives way if `force` is set), FILE_UNREADABLE.
 */
export async function planOutput(name: string, force: boolean): Promise<Output> {
  const format = FORMATS.find(([ending]) => ending.test(name))?.[1];
  if (format === undefined) throw error('PREDICT_OUTPUT_FORMAT', { path: name });
  const options = `${format.options}${/\.gz$/i.test(name) ? ', COMPRESSION gzip' : ''}`;
  const path = resolve(name);
  if (!existsSync(path)) return { ...format, path, options };
  if (!statSync(path).isFile()) throw error('PREDICT_OUTPUT_OCCUPIED', { path, found: 'not a file', canForce: false });
  const output = { ...format, path: realpathSync(path), options };
  if (!force && !(await isPrediction(output)))
    throw error('PREDICT_OUTPUT_OCCUPIED', { path, found: 'not what a prediction wrote', canForce: true });
  return output;
}

/** Throws PREDICT_OUTPUT_INPUT where the output is one of the files that are read, by whatever name. */
export function checkNotInput({ path }: Output, inputs: string[]): void {
  if (!existsSync(path)) return;
  const out = statSync(path);
  const same = inputs.find((input) => {
    const file = statSync(input, { throwIfNoEntry: false });
    return file !== undefined && file.dev === out.dev && file.ino === out.ino;
  });
  if (same !== undefined) throw error('PREDICT_OUTPUT_INPUT', { path, input: same });
}

/** Does a file look like the output of a prediction: a scenario and probabilities are its last columns? */
async function isPrediction({ path, format }: Output): Promise<boolean> {
  const names = await columnNames(path, format).catch((): string[] => []);
  const at = names.lastIndexOf('scenario');
  return at >= 0 && at < names.length - 1 && names.slice(at + 1).every((name) => name.startsWith('probability_'));
}

async function columnNames(path: string, format: Format): Promise<string[]> {
  if (format === 'parquet') {
    const { connection, close } = await openDuckDB({ access: { files: [path] } });
    try {
      const rows = await query(
        connection,
        `DESCRIBE SELECT * FROM read_parquet(${filePath(path)}, hive_partitioning = false)`,
        'looking at the output',
      );
      return rows.map((row) => String(row.column_name));
    } finally {
      close();
    }
  }
  const text = (await firstContent(path, 1 << 20)).toString('utf8');
  if (format === 'json') return Object.keys(JSON.parse(text.split('\n')[0]) as object);
  const delimiter = /\.tsv(\.gz)?$/i.test(path) ? '\t' : ',';
  return firstRecord(text, { delimiter, quote: '"', escape: '"' });
}

/**
 * Writes the input as it was, the scenario and the predictions. The table `rows` has the scored rows in the order of the table
 * `predictions`.
 */
export async function writeOutput(
  connection: DuckDBConnection,
  manifest: Manifest,
  input: Source,
  { format, options }: Output,
  path: string,
): Promise<void> {
  const names = manifest.scenarios.map(literal).join(', ');
  const added = ['scenario', ...manifest.tasks.map((task) => `probability_${task}`)];
  const kept = input.original.columns.filter(({ name }) => !added.some((a) => sameName(a, name)));
  await execute(
    connection,
    `CREATE TABLE scored AS SELECT s.*, p.* FROM (SELECT row, scenario FROM rows WHERE scenario IS NOT NULL ORDER BY row) AS s POSITIONAL JOIN predictions AS p`,
    'joining the predictions',
  );
  const columns = [
    ...kept.map(({ name, type }) => {
      const column = `i.${identifier(name)}`;
      return `${format === 'csv' ? asText(column, type) : column} AS ${identifier(name)}`;
    }),
    `([${names}])[s.scenario + 1] AS scenario`,
    ...manifest.tasks.map((task, t) => `s.p${t} AS ${identifier(`probability_${task}`)}`),
  ];
  const row = rowColumn([input]);
  const source = format === 'csv' ? input.original.texts : input.original.sql;
  const rows = `(SELECT row_number() OVER () - 1 AS ${row}, * FROM (${source}))`;
  const sql = `SELECT ${columns.join(', ')} FROM ${rows} AS i LEFT JOIN scored AS s ON s.row = i.${row} ORDER BY i.${row}`;
  await execute(connection, `COPY (${sql}) TO ${literal(path)} (${options})`, `writing ${basename(path)}`);
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}

/** SQL of a value in a CSV: items of a list with | between them, as a field or a sequence takes them; objects as JSON. */
function asText(sql: string, type: string): string {
  const element = /^(.*)\[\d*\]$/s.exec(type)?.[1];
  if (element !== undefined && !/^(STRUCT|MAP|UNION)|\]$/.test(element))
    return `array_to_string(list_transform(${sql}, lambda item: coalesce(item::VARCHAR, '')), '|')`;
  return element !== undefined || /^(STRUCT|MAP|UNION)/.test(type) ? `to_json(${sql})::VARCHAR` : sql;
}
