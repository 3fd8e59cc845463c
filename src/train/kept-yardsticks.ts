/**
 * What yardsticks answer to the test rows, kept in a file from a choice of a model to the end of its training, so that they are fitted
 * once. Labels of test rows are not read.
 */
import { existsSync } from 'node:fs';
import type { RunConfig } from '../config/run.ts';
import type { Batch, PreparedData } from '../data/prepared/prepared.ts';
import { openPart } from '../inference/model/run-data.ts';
import { readSafetensors, writeSafetensors } from '../store/safetensors.ts';
import { YARDSTICKS, type Yardstick } from '../yardsticks/contract.ts';
import type { Scorer } from '../yardsticks/measure.ts';

/** Answers of one yardstick that are kept at most: more rows are scored again. */
const MOST = 10_000_000;

/** @throws FILE_UNWRITABLE, DISK_FULL */
export async function keepYardsticks(
  path: string,
  yardsticks: readonly Yardstick[],
  data: PreparedData,
  part: Pick<RunConfig['train'], 'scenarios' | 'tasks'>,
): Promise<void> {
  const { splits, tasks, hash } = data.manifest;
  const shape = [splits.test.rows, tasks.length];
  if (shape[0] * shape[1] > MOST) return;
  const kept = yardsticks.map(() => new Float32Array(shape[0] * shape[1]));
  const test = await openPart(data, 'test', part);
  try {
    for await (const batch of test.batches({ batchSize: 16384 }))
      yardsticks.forEach((yardstick, i) => {
        const logits = yardstick.logits(batch);
        for (let at = 0; at < batch.size; at++)
          kept[i].set(logits.subarray(at * tasks.length, (at + 1) * tasks.length), batch.row[at] * tasks.length);
      });
  } finally {
    await test.close();
  }
  writeSafetensors(
    path,
    yardsticks.map(({ key }, i) => [key, { shape, data: kept[i] }] as const),
    { data: hash },
  );
}

/** The yardsticks of a file of this data set, to measure on test rows; none where there is no such file. */
export function keptYardsticks(path: string, { manifest: { hash, splits, tasks } }: PreparedData): Scorer[] {
  if (!existsSync(path)) return [];
  const { tensors, metadata } = readOrNothing(path);
  if (metadata.data !== hash) return [];
  return YARDSTICKS.flatMap((key) => {
    const kept = tensors.get(key)?.data;
    if (!(kept instanceof Float32Array) || kept.length !== splits.test.rows * tasks.length) return [];
    return [{ key, logits: ({ size, row }: Batch) => pick(kept, tasks.length, row.subarray(0, size)) }];
  });
}

/** A file that cannot be read costs the time to fit again, no more. */
function readOrNothing(path: string): Pick<ReturnType<typeof readSafetensors>, 'tensors' | 'metadata'> {
  try {
    return readSafetensors(path);
  } catch {
    return { tensors: new Map(), metadata: {} };
  }
}

/** Rows of a matrix [rows, T]. */
function pick(numbers: Float32Array, tasks: number, rows: Int32Array): Float32Array {
  const picked = new Float32Array(rows.length * tasks);
  rows.forEach((row, i) => {
    picked.set(numbers.subarray(row * tasks, (row + 1) * tasks), i * tasks);
  });
  return picked;
}
