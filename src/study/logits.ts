/** Logits of a split, kept as a file: float32, little endian, [rows, T] in stored order. */
import { readFileSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { asReadError, writeFileAtomic } from '../base/files.ts';
import { bytesOf } from '../base/numbers.ts';
import type { SplitName } from '../config/dataset.ts';
import { runSchema } from '../config/run.ts';
import type { SplitReader } from '../data/prepared/prepared.ts';
import { type FinishedModel, openModel } from '../inference/model/finished.ts';
import { describeData, openRunData } from '../inference/model/run-data.ts';
import { sessionOf } from '../inference/session-of.ts';
import { openRun } from '../store/run/run-folder.ts';

/** Scores a split with the model of a finished run and writes the logits. */
export async function writeLogits(run: string, split: SplitName, path: string): Promise<void> {
  const record = openRun(run);
  const config = runSchema.parse(record.config);
  const data = await openRunData(run, record);
  const batchSize = config.train.evaluationBatchSize;
  const model = await openModel(run, { ...sessionOf(config), batchSize, data: describeData(data.manifest) });
  const reader = await data.open(split);
  let logits: Float32Array;
  try {
    logits = await scoreRows(model, reader, data.manifest.tasks.length);
  } finally {
    await reader.close();
    await model.close();
  }
  writeFileAtomic(path, bytesOf(logits));
}

/** Logits [rows, T] of all rows of a split, in stored order. */
export async function scoreRows(
  model: Pick<FinishedModel, 'batchSize' | 'score'>,
  reader: SplitReader,
  tasks: number,
): Promise<Float32Array> {
  const logits = new Float32Array(reader.rows * tasks);
  for await (const batch of reader.batches({ batchSize: model.batchSize }))
    logits.set(await model.score(batch), batch.row[0] * tasks);
  return logits;
}

/** @throws FILE_MISSING, RUN_DAMAGED where the file has another length */
export function readLogits(path: string, rows: number, tasks: number): Float32Array {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw asReadError(cause, path, 'logits of test rows');
  }
  const expected = 4 * rows * tasks;
  if (bytes.length !== expected)
    throw error('RUN_DAMAGED', { path, problem: `it has ${bytes.length} bytes, expected ${expected}` });
  return new Float32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + expected));
}
