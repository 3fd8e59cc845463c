/**
 * A raw file -> batches to score -> the file with its predictions. The same expressions, SQL and vocabularies as in
 * preparation; labels, `where`, weights and splits play no part, and joins never drop a row.
 */
import { closeSync, fsyncSync, mkdirSync, openSync, readSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { asReadError, asWriteError, syncFolder } from '../base/files.ts';
import type { DatasetConfig } from '../config/dataset.ts';
import { duckdbError, execute, identifier, literal, loadDuckDB, openDuckDB, queryOne } from './duckdb.ts';
import { checkExpressions, fieldExpression, givenSequences, referencedColumns } from './expressions.ts';
import { registerNumberText } from './functions.ts';
import { verifiedFile, vocabularyFile } from './manifest.ts';
import type { Expression } from './one-expression.ts';
import type { Batch, Manifest, PreparedData, SplitReader } from './prepared.ts';
import { openRowFile } from './reader.ts';
import { idColumns, recordLayout, sequenceColumns, writeRecords } from './row-file.ts';
import { createInputRows } from './rows.ts';
import { encodeGiven } from './sequences.ts';
import {
  asReadOf,
  baseSource,
  createSourceView,
  findFiles,
  formatOf,
  presentFiles,
  rowColumn,
  type Source,
} from './sources.ts';
import { applyVocabulary, encodedColumns, encodedFields, hashSize, registerFieldBuckets } from './vocabulary.ts';

export interface PredictOptions {
  /** The prepared data set whose fields and vocabularies the model was trained with. */
  data: PreparedData;
  /**
   * File with the columns that the fields and the scenario need, directly or through the configuration's joins; of data with
   * sequences also `sequence_<type>`: a list of items, oldest first, or a text with | between them. NULL is an empty one.
   */
  input: string;
  /** Parquet file to write: the input's columns, `scenario` (its name) and `probability_<task>`, in the input's order. */
  output: string;
  /** Probabilities [size, T] of a batch. They are copied before the next call. */
  score: (batch: Batch) => Promise<Float32Array>;
  /** Rows per call of `score`. Default 4096. */
  batchSize?: number;
  /** Memory of DuckDB. Default 1GB. */
  memoryLimit?: string;
  /** Called after every batch. */
  onProgress?: (progress: { done: number; of: number }) => void;
}

export interface Prediction {
  /** Rows of the input, all of them in the output. */
  rows: number;
  /** Rows with a scenario; the others have NULL as scenario and probabilities. */
  scored: number;
}

/**
 * Scores a file. Columns of the input named like those added are replaced. On any error `output` is as it was.
 * Throws DATA_COLUMNS_MISSING, DATA_SCENARIO_UNKNOWN and the other errors of reading sources; DISK_FULL, FILE_UNWRITABLE.
 */
export async function predictInto(options: PredictOptions): Promise<Prediction> {
  const { data, batchSize = 4096, score, onProgress } = options;
  const output = resolve(options.output);
  const work = `${output}.predicting`; // what a killed run left there is removed by the next
  try {
    const encoded = await encodeFile({ ...options, work });
    try {
      const predictions = await openPredictions(encoded.connection, data.manifest.tasks.length);
      let done = 0;
      for await (const batch of encoded.reader.batches({ batchSize })) {
        predictions.append(await score(batch), batch.size);
        done += batch.size;
        onProgress?.({ done, of: encoded.reader.rows });
      }
      predictions.close();
      await writeOutput(encoded.connection, data.manifest, encoded.input, join(work, 'output.parquet'));
    } finally {
      await encoded.close();
    }
    renameSync(join(work, 'output.parquet'), output);
    syncFolder(dirname(output));
    return { rows: encoded.input.rows, scored: encoded.reader.rows };
  } catch (cause) {
    throw asWriteError(cause, output);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** A raw file, encoded: its rows that have a scenario, in order; labels are NaN. */
export interface EncodedFile {
  reader: SplitReader;
  /** The file as a source: columns, types, rows. */
  input: Source;
  /** The database that holds the table `rows` (row, f0 ..., scenario) and the input as a view named like the base source. */
  connection: DuckDBConnection;
  close(): Promise<void>;
}

/** Encodes a raw file into a work folder, which the caller removes after closing. */
export async function encodeFile(options: {
  data: PreparedData;
  input: string;
  memoryLimit?: string;
  work: string;
}): Promise<EncodedFile> {
  const { manifest, folder } = options.data;
  rmSync(options.work, { recursive: true, force: true });
  mkdirSync(options.work, { recursive: true });
  const { connection, close } = await openDuckDB({
    access: { files: await filesToRead(options.data, options.input) },
    memoryLimit: options.memoryLimit,
    tempFolder: options.work,
    file: join(options.work, 'rows.duckdb'),
  });
  try {
    await registerNumberText(connection);
    const { config, sources } = await findInput(connection, manifest, options.input);
    const expressions = inputExpressions(config);
    const values = await checkExpressions(connection, config, sources, expressions);
    await createInputRows(connection, config, sources, values, expressions);
    const fields = encodedFields(config, values);
    for (const f of fields) {
      const { edges } = manifest.fields[f.index];
      if (f.field.kind === 'numeric')
        await registerFieldBuckets(connection, f, edges === undefined ? 'logSquare' : { edges });
      if (hashSize(f.field) === undefined)
        await applyVocabulary(connection, f, await verifiedFile(folder, manifest, vocabularyFile(f.field.name)));
    }
    const layout = recordLayout({ ...manifest, hasWeight: false, hasGroup: false });
    const { ids, joins } = encodedColumns(fields);
    const columns = [
      ...idColumns(manifest, (_name, index) => ids[index]),
      'scenario',
      ...manifest.tasks.map(() => "'NaN'::FLOAT"),
      ...sequenceColumns(manifest, (_type, k) => `coalesce(given${k}.items, []::INTEGER[])`),
    ];
    const given = await joinGiven(connection, options.data);
    const path = join(options.work, 'rows.bin');
    const sql = `SELECT ${columns.join(', ')} FROM rows${joins}${given} WHERE scenario IS NOT NULL ORDER BY row`;
    await writeRecords(connection, sql, layout, path, '').catch((cause) => {
      throw duckdbError(cause, `encoding ${options.input}`);
    });
    const { scored } = await queryOne(connection, 'SELECT count(scenario) AS scored FROM rows', 'counting the rows');
    const reader = await openRowFile(path, Number(scored), layout);
    return {
      reader,
      input: sources[0],
      connection,
      async close() {
        await reader.close();
        close();
      },
    };
  } catch (cause) {
    close();
    throw cause;
  }
}

/** Encodes the sequences that the rows bring; returns the joins that bring them back to the rows. */
async function joinGiven(connection: DuckDBConnection, { manifest, folder }: PreparedData): Promise<string> {
  const { sequences, config } = manifest;
  const field = config.fields.find(({ name }) => name === sequences?.itemField);
  if (sequences === undefined || field === undefined) return '';
  const hash = hashSize(field);
  await encodeGiven(
    connection,
    sequences,
    hash === undefined ? { vocabulary: await verifiedFile(folder, manifest, vocabularyFile(field.name)) } : { hash },
  );
  return sequences.types.map((_, k) => ` LEFT JOIN given${k} USING (row)`).join('');
}

/** What a row needs to be scored. */
const inputExpressions = (config: DatasetConfig): Expression[] => [
  ...config.fields.map((f) => ({ usedBy: `field "${f.name}"`, sql: fieldExpression(f) })),
  { usedBy: 'scenario', sql: config.scenario.expression },
  ...givenSequences(config),
];

/**
 * The input as the base source, and the configuration to read it by: without joins where it has all columns itself,
 * else with the joined sources from where they were.
 */
async function findInput(
  connection: DuckDBConnection,
  manifest: Manifest,
  path: string,
): Promise<{ config: DatasetConfig; sources: Source[] }> {
  const name = baseSource(manifest.config);
  const files = await findFiles(name, { ...manifest.config.sources[name], path }, '.');
  const source = inputSource(manifest.config, files[0]);
  // A column that was a text in training is one here, even if all its values happen to look like numbers.
  const texts = new Set(manifest.columns[name].filter((c) => c.type === 'VARCHAR').map((c) => c.name));
  const input = await createSourceView(connection, name, source, files, (column) => texts.has(column));
  const alone: DatasetConfig = { ...manifest.config, from: name, joins: [] };
  const has = (column: string) => input.columns.some((c) => c.name.toLowerCase() === column.toLowerCase());
  const references = await referencedColumns(connection, inputExpressions(alone));
  const isAlone = references
    .flat()
    .every(([first, second]) => has(first === name && second !== undefined ? second : first));
  if (isAlone || manifest.config.joins.length === 0) return { config: alone, sources: [input] };
  const sources = [input];
  for (const { source: joined } of manifest.config.joins) {
    const settings = manifest.config.sources[joined];
    sources.push(
      await createSourceView(connection, joined, settings, await findFiles(joined, settings, manifest.sourceFolder)),
    );
  }
  const joins = manifest.config.joins.map((j) => ({ ...j, kind: 'left' as const }));
  return { config: { ...alone, joins }, sources };
}

/** The input, the joined sources as far as they are there, and the vocabularies. */
async function filesToRead({ manifest, folder }: PreparedData, input: string): Promise<string[]> {
  const { config, sourceFolder, fields } = manifest;
  const name = baseSource(config);
  const joined = Object.fromEntries(Object.entries(config.sources).filter(([source]) => source !== name));
  return [
    ...(await findFiles(name, { ...config.sources[name], path: input }, '.')),
    ...(await presentFiles({ ...config, sources: joined }, sourceFolder)),
    ...fields.map((field) => join(folder, vocabularyFile(field.name))),
  ];
}

/** How to read the input: like the base source if it looks like it, else by what is found out. */
function inputSource(config: DatasetConfig, path: string): DatasetConfig['sources'][string] {
  const base = config.sources[baseSource(config)];
  const { nullValues, fileColumn, derive } = base;
  const plain = { format: 'auto' as const, encoding: 'auto' as const, nullValues, fileColumn, derive };
  const isCsv = formatOf(path) === 'csv';
  const likeBase = isCsv && (base.delimiter === undefined || firstLine(path).includes(base.delimiter));
  return likeBase ? { ...base, path, format: 'csv' } : { ...plain, path };
}

function firstLine(path: string): string {
  try {
    const file = openSync(path, 'r');
    const bytes = Buffer.alloc(1 << 16);
    const length = readSync(file, bytes, 0, bytes.length, 0);
    closeSync(file);
    return bytes.subarray(0, length).toString('latin1').split('\n')[0];
  } catch (cause) {
    throw asReadError(cause, path, 'a file with rows to score');
  }
}

/** The table `predictions` (p0 p1 ...), filled batch by batch on raw vectors. */
async function openPredictions(connection: DuckDBConnection, tasks: number) {
  const { api, bindings } = await loadDuckDB();
  const columns = Array.from({ length: tasks }, (_, t) => `p${t}`);
  await execute(
    connection,
    `CREATE TABLE predictions (${columns.map((c) => `${c} FLOAT`).join(', ')})`,
    'keeping the predictions',
  );
  const appender = await connection.createAppender('predictions');
  const size = bindings.vector_size();
  const chunk = api.DuckDBDataChunk.create(
    columns.map(() => api.FLOAT),
    size,
  );
  const column = new Float32Array(size);
  return {
    append(probabilities: Float32Array, rows: number): void {
      for (let at = 0; at < rows; at += size) {
        const count = Math.min(size, rows - at);
        chunk.reset();
        chunk.rowCount = count;
        for (let t = 0; t < tasks; t++) {
          for (let i = 0; i < count; i++) column[i] = probabilities[(at + i) * tasks + t];
          bindings.copy_data_to_vector(bindings.data_chunk_get_vector(chunk.chunk, t), 0, column.buffer, 0, count * 4);
        }
        appender.appendDataChunk(chunk);
      }
    },
    close: () => appender.closeSync(),
  };
}

/** Writes input, scenario and predictions; the scored rows and the predictions are in the same order. */
async function writeOutput(
  connection: DuckDBConnection,
  manifest: Manifest,
  input: Source,
  path: string,
): Promise<void> {
  const names = manifest.scenarios.map(literal).join(', ');
  const added = ['scenario', ...manifest.tasks.map((task) => `probability_${task}`)];
  const kept = input.columns
    .map((c) => c.name)
    .filter((name) => !added.some((a) => a.toLowerCase() === name.toLowerCase()));
  await execute(
    connection,
    `CREATE TABLE scored AS SELECT s.*, p.* FROM (SELECT row, scenario FROM rows WHERE scenario IS NOT NULL ORDER BY row) AS s POSITIONAL JOIN predictions AS p`,
    'joining the predictions',
  );
  const columns = [
    ...kept.map((name) => `i.${identifier(name)}`),
    `([${names}])[s.scenario + 1] AS scenario`,
    ...manifest.tasks.map((task, t) => `s.p${t} AS ${identifier(`probability_${task}`)}`),
  ];
  const row = rowColumn([input]);
  const rows = `(SELECT row_number() OVER () - 1 AS ${row}, * FROM ${asReadOf(input.name)})`;
  const sql = `SELECT ${columns.join(', ')} FROM ${rows} AS i LEFT JOIN scored AS s ON s.row = i.${row} ORDER BY i.${row}`;
  await execute(
    connection,
    `COPY (${sql}) TO ${literal(path)} (FORMAT parquet, COMPRESSION zstd)`,
    `writing ${basename(path)}`,
  );
  const file = openSync(path, 'r');
  fsyncSync(file);
  closeSync(file);
}
