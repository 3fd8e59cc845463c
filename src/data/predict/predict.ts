/** A raw file -> its rows encoded, scored and written with their probabilities. */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { asWriteError, syncFolder } from '../../base/files.ts';
import { newMark, readMark } from '../../base/marks.ts';
import type { Batch, PreparedData } from '../prepared/prepared.ts';
import { encodeFile } from './encode-file.ts';
import { findInput } from './input-files.ts';
import { checkNotInput, planOutput, writeOutput } from './output.ts';
import { openPredictions } from './predictions.ts';

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
  onEvent?: (event: PredictProgress) => void;
}

/** Rows that have their probabilities, and how many there are. */
export interface PredictProgress {
  event: 'progress';
  done: number;
  of: number;
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
  const { data, batchSize = 4096, score, onEvent } = options;
  const output = await planOutput(options.output, options.force ?? false);
  const files = await findInput(data, options.input);
  checkNotInput(output, files.all);
  const work = workFolder(output.path);
  try {
    const encoded = await encodeFile({ ...options, files, work });
    try {
      const predictions = await openPredictions(encoded.connection, data.manifest.tasks.length);
      let done = 0;
      for await (const batch of encoded.reader.batches({ batchSize })) {
        predictions.append(await score(batch), batch.size);
        done += batch.size;
        onEvent?.({ event: 'progress', done, of: encoded.reader.rows });
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
    const path = join(folder, name);
    if (readMark(name.slice(start.length))?.alive === false) rmSync(path, { recursive: true, force: true });
  }
  return join(folder, `${start}${newMark()}`);
}
