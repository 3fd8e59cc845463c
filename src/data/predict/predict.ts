/**
 * A raw file -> batches to score -> the file with its predictions. The same expressions, SQL and vocabularies as in
 * preparation, and the types of columns from there; labels, weights and splits play no part, and no row is dropped.
 */
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import type { DuckDBConnection } from '@duckdb/node-api';
import { asWriteError, syncFolder } from '../../base/files.ts';
import { isAlive } from '../../base/process.ts';
import { checkExpressions } from '../expressions/check.ts';
import { checkFit } from '../expressions/fit.ts';
import { createInputRows } from '../prepare/rows.ts';
import { encodeGiven } from '../prepare/sequences.ts';
import {
  applyVocabulary,
  encodedColumns,
  encodedFields,
  hashSize,
  registerFieldBuckets,
} from '../prepare/vocabulary.ts';
import { verifiedFile, vocabularyFile } from '../prepared/manifest.ts';
import type { Batch, PreparedData, SplitReader } from '../prepared/prepared.ts';
import { openRowFile } from '../prepared/reader.ts';
import { idColumns, recordLayout, sequenceColumns, writeRecords } from '../prepared/row-file.ts';
import { findFiles, presentFiles } from '../sources/find.ts';
import { baseSource, type Source } from '../sources/source.ts';
import { execute, loadDuckDB, openDuckDB, queryOne } from '../sql/duckdb.ts';
import { duckdbError } from '../sql/errors.ts';
import { registerNumberText } from '../sql/functions.ts';
import { openInput } from './input.ts';
import { checkNotInput, planOutput, writeOutput } from './output.ts';

export interface PredictOptions {
  /** The prepared data set whose fields and vocabularies the model was trained with. */
  data: PreparedData;
  /**
   * File with the columns that the fields and the scenario need, directly or through the configuration's joins; of data with
   * sequences also `sequence_<type>`: a list of items, oldest first, or a text with | between them. NULL is an empty one.
   */
  input: string;
  /**
   * File to write: the input's columns, `scenario` (its name) and `probability_<task>`, in the input's order. Its ending says
   * the format: .parquet, .csv, .tsv or .jsonl.
   */
  output: string;
  /** May the output take the place of a file that no prediction wrote? Default false. */
  force?: boolean;
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
  /** Rows with a scenario of which `where` is true; the others have NULL as scenario and probabilities. */
  scored: number;
  /** Rows of which `where` is not true. */
  excluded: number;
  /** Conditions of `where` that were not asked, since the input lacks their columns. */
  ignored: string[];
}

/**
 * Scores a file. Columns of the input named like those added are replaced. On any error `output` is as it was.
 * Throws DATA_COLUMNS_MISSING, DATA_VALUE_TYPE, DATA_SCENARIO_UNKNOWN and the other errors of reading sources; PREDICT_OUTPUT_*;
 * DISK_FULL, FILE_UNWRITABLE.
 */
export async function predictInto(options: PredictOptions): Promise<Prediction> {
  const { data, batchSize = 4096, score, onProgress } = options;
  const output = await planOutput(options.output, options.force ?? false);
  checkNotInput(output, await filesToRead(data, options.input));
  const work = workFolder(output.path);
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
      await writeOutput(encoded.connection, data.manifest, encoded.input, output, join(work, 'output'));
    } finally {
      await encoded.close();
    }
    renameSync(join(work, 'output'), output.path);
    syncFolder(dirname(output.path));
    const { input, reader, excluded, ignored } = encoded;
    return { rows: input.rows, scored: reader.rows, excluded, ignored };
  } catch (cause) {
    throw asWriteError(cause, output.path);
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** Where a prediction works, next to its output. What killed ones left there is removed. */
function workFolder(output: string): string {
  const folder = dirname(output);
  const start = `${basename(output)}.predicting-`;
  const names = existsSync(folder) ? readdirSync(folder).filter((name) => name.startsWith(start)) : [];
  for (const name of names) {
    const pid = Number(name.slice(start.length));
    if (Number.isInteger(pid) && !isAlive({ pid, host: hostname() }))
      rmSync(join(folder, name), { recursive: true, force: true });
  }
  return join(folder, `${start}${process.pid}`);
}

/** A raw file, encoded: its rows that have a scenario, in order; labels are NaN unless they were asked for. */
export interface EncodedFile {
  reader: SplitReader;
  /** The file as a source: columns, types, rows. */
  input: Source;
  /** Rows of which `where` is not true, and its conditions that were not asked. */
  excluded: number;
  ignored: string[];
  /** The database that holds the table `rows` (row, f0 ..., scenario) and the input as a view named like the base source. */
  connection: DuckDBConnection;
  close(): Promise<void>;
}

/** Encodes a raw file into a work folder, which the caller removes after closing. */
export async function encodeFile(options: {
  data: PreparedData;
  /** A file, or several that are read one after another. */
  input: string | string[];
  /** Read labels and groups, too. Default false. */
  labelled?: boolean;
  memoryLimit?: string;
  work: string;
}): Promise<EncodedFile> {
  const { labelled = false } = options;
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
    const { config, sources, expressions, ignored } = await openInput(connection, manifest, options.input, labelled);
    await checkFit(connection, config, sources, expressions);
    const values = await checkExpressions(connection, config, sources, expressions);
    await createInputRows(connection, config, sources, values, expressions, labelled);
    const fields = encodedFields(config, values);
    for (const f of fields) {
      const { edges } = manifest.fields[f.index];
      if (f.field.kind === 'numeric')
        await registerFieldBuckets(connection, f, edges === undefined ? 'logSquare' : { edges });
      if (hashSize(f.field) === undefined)
        await applyVocabulary(connection, f, await verifiedFile(folder, manifest, vocabularyFile(f.field.name)));
    }
    const layout = recordLayout({ ...manifest, hasWeight: false, hasGroup: labelled && manifest.hasGroup });
    const grouped = layout.group >= 0;
    const { ids, joins } = encodedColumns(fields);
    const columns = [
      ...idColumns(manifest, (_name, index) => ids[index]),
      'scenario',
      ...manifest.tasks.map((_, t) => (labelled ? `coalesce(l${t}::FLOAT, 'NaN'::FLOAT)` : "'NaN'::FLOAT")),
      ...(grouped ? ['coalesce(grouped.number, -1)'] : []),
      ...sequenceColumns(manifest, (_type, k) => `coalesce(given${k}.items, []::INTEGER[])`),
    ];
    const given = await joinGiven(connection, options.data);
    const path = join(options.work, 'rows.bin');
    const sql = `SELECT ${columns.join(', ')} FROM rows${joins}${grouped ? GROUP_NUMBERS : ''}${given} WHERE scenario IS NOT NULL ORDER BY row`;
    await writeRecords(connection, sql, layout, path, '').catch((cause) => {
      throw duckdbError(asWriteError(cause, dirname(options.work)), `encoding ${options.input}`);
    });
    const count = 'SELECT count(scenario) AS scored, count(*) FILTER (excluded) AS excluded FROM rows';
    const { scored, excluded } = await queryOne(connection, count, 'counting the rows');
    const reader = await openRowFile(path, Number(scored), layout);
    return {
      reader,
      input: sources[0],
      excluded: Number(excluded),
      ignored,
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

/** Numbers the groups of the rows table. */
const GROUP_NUMBERS =
  ' LEFT JOIN (SELECT group_key AS key, (row_number() OVER (ORDER BY min(row)) - 1)::INTEGER AS number ' +
  'FROM rows WHERE group_key IS NOT NULL GROUP BY group_key) AS grouped ON group_key = grouped.key';

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

/** The input, the joined sources as far as they are there, and the vocabularies. */
async function filesToRead({ manifest, folder }: PreparedData, input: string | string[]): Promise<string[]> {
  const { config, sourceFolder, fields } = manifest;
  const name = baseSource(config);
  const joined = Object.fromEntries(Object.entries(config.sources).filter(([source]) => source !== name));
  return [
    ...(await findFiles(name, { ...config.sources[name], format: 'auto', path: input }, '.')),
    ...(await presentFiles({ ...config, sources: joined }, sourceFolder)),
    ...fields.map((field) => join(folder, vocabularyFile(field.name))),
  ];
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
        inDuckDB(() => appender.appendDataChunk(chunk));
      }
    },
    close: () => inDuckDB(() => appender.closeSync()),
  };
}

/** Runs a step of DuckDB, whose errors become the catalogue's. */
function inDuckDB(step: () => void): void {
  try {
    step();
  } catch (cause) {
    throw duckdbError(cause, 'keeping the predictions');
  }
}
