/** Logits of a split, kept as a file: float32, little endian, [rows, T] in stored order. */
import { readFileSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { asReadError, writeFileAtomic } from '../base/files.ts';
import type { SplitName } from '../config/dataset.ts';
import { runSchema } from '../config/run.ts';
import { openModel } from '../inference/model/finished.ts';
import { describeData, openRunData } from '../inference/model/run.ts';
import { openRun } from '../store/run/run-folder.ts';

/** Scores a split with the model of a finished run and writes the logits. */
export async function writeLogits(run: string, split: SplitName, path: string): Promise<void> {
  const { backend, threads, train } = runSchema.parse(openRun(run).config);
  const data = await openRunData(run);
  const batchSize = train.evaluationBatchSize;
  const model = await openModel(run, { backend, threads, batchSize, data: describeData(data.manifest) });
  const reader = await data.open(split);
  const tasks = data.manifest.tasks.length;
  const logits = new Float32Array(reader.rows * tasks);
  try {
    for await (const batch of reader.batches({ batchSize })) logits.set(await model.score(batch), batch.row[0] * tasks);
  } finally {
    await reader.close();
    await model.close();
  }
  writeFileAtomic(path, new Uint8Array(logits.buffer));
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
