/** Runs the training graph of a model whole, and over ranks in one process, on the same rows. */
import { memoryGroup } from '../../../src/comm/memory.ts';
import type { Port } from '../../../src/graph/index.ts';
import { isBatch } from '../../../src/graph/index.ts';
import { createSession } from '../../../src/runtime/session.ts';
import { rankedExecutor } from '../../../src/train/ranks/executor.ts';
import { rankedGraph, trainingGraph } from '../../../src/train/step/graph.ts';
import { expectClose, size } from '../../graph/support.ts';
import { type Feeds, feedsFor, type Setup } from '../../model/support.ts';

/** Rows rank, rank + ranks, ... of the inputs with a row for each row of the batch. */
function rowsOfRank(feeds: Feeds, inputs: readonly Port[], rank: number, ranks: number): Feeds {
  const share = inputs.map(({ name, shape }) => {
    const { type, shape: dims, data } = feeds[name];
    if (!shape.some(isBatch)) return [name, feeds[name]];
    const width = size(dims.slice(1));
    const rows = Array.from({ length: dims[0] }, (_, i) => i).filter((i) => i % ranks === rank);
    const own = data.slice(0, rows.length * width);
    rows.forEach((row, i) => {
      own.set(data.subarray(row * width, (row + 1) * width), i * width);
    });
    return [name, { type, shape: [rows.length, ...dims.slice(1)], data: own }];
  });
  return Object.fromEntries(share);
}

/** Splits of the rows over ranks give the losses, gradients and buffers of all rows together. Returns the number of stages. */
export async function agreesOverRanks(
  setup: Setup,
  splits: readonly { rows: number; ranks: number }[],
): Promise<number> {
  const whole = trainingGraph(setup);
  const ranked = rankedGraph(setup);
  const session = await createSession(whole.bytes, { threads: 1 });
  const sessions = await Promise.all(ranked.stages.map(({ bytes }) => createSession(bytes, { threads: 1 })));
  try {
    for (const { rows, ranks } of splits) {
      const feeds = feedsFor(whole.inputs, setup, rows);
      const expected = await session.run(feeds);
      const found = await Promise.all(
        memoryGroup(ranks).map((collective) => {
          const own = rowsOfRank(feeds, whole.inputs, collective.rank, ranks);
          return rankedExecutor(sessions, ranked, own, collective).run({
            size: own.embedding.shape[0],
            ofBatch: rows,
            scalars: {},
            drawn: {},
          });
        }),
      );
      for (const { name, shape } of whole.outputs) {
        const what = `${name} of ${rows} rows over ${ranks} ranks`;
        if (!shape.some(isBatch)) {
          for (const one of found) expectClose(one[name], expected[name], TOLERANCE, what);
          continue;
        }
        const width = size(expected[name].shape.slice(1));
        const data = new Float32Array(expected[name].data.length);
        for (let row = 0; row < rows; row++) {
          const from = Math.floor(row / ranks) * width;
          data.set(found[row % ranks][name].data.subarray(from, from + width), row * width);
        }
        expectClose({ shape: expected[name].shape, data }, expected[name], TOLERANCE, what);
      }
    }
  } finally {
    for (const one of [session, ...sessions]) await one.release();
  }
  return ranked.stages.length;
}

const TOLERANCE = 1e-5;
/**
 * Uneven and even shares, fewer rows than ranks, one rank. Never 2 or 3 rows: a norm over them hardly depends on them, and
 * gradients are what rounding leaves.
 */
export const SPLITS = [
  { rows: 13, ranks: 4 },
  { rows: 7, ranks: 8 },
  { rows: 12, ranks: 2 },
  { rows: 7, ranks: 3 },
  { rows: 5, ranks: 1 },
];
