/** A part of a split against the rows that a plain filter leaves. */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { Batch, BatchOptions, PreparedData, SplitReader } from '../../../src/data/prepared/prepared.ts';
import { readSubset } from '../../../src/data/prepared/subset.ts';
import { prepareSmall, temporaryFolder } from '../../train/support.ts';

const temporary = temporaryFolder();
let data: PreparedData;
beforeAll(async () => {
  data = await openPrepared(
    await prepareSmall(temporary.path, 700, 30, 'data', 700, {
      key: '"user"',
      time: 'time',
      item: 'item',
      length: 3,
      types: { clicked: 'click = 1' },
    }),
  );
});
afterAll(() => temporary.remove());

/** One row as plain numbers; `row` is apart because a part counts its own. */
interface Row {
  row: number;
  rest: number[][];
}

async function rowsOf(reader: SplitReader, options: BatchOptions): Promise<{ rows: Row[]; sizes: number[] }> {
  const rows: Row[] = [];
  const sizes: number[] = [];
  for await (const batch of reader.batches(options)) {
    sizes.push(batch.size);
    for (let i = 0; i < batch.size; i++) {
      const own = (name: keyof Omit<Batch, 'size'>): number[] => {
        const values = batch[name] ?? new Int32Array();
        const width = values.length / batch.size;
        return Array.from(values.subarray(i * width, (i + 1) * width));
      };
      rows.push({
        row: batch.row[i],
        rest: (['ids', 'sequences', 'scenario', 'labels', 'weight', 'group'] as const).map(own),
      });
    }
  }
  return { rows, sizes };
}

const shuffle = fc.option(fc.record({ seed: fc.nat(5), epoch: fc.nat(3) }), { nil: undefined });

test('has the rows of its scenarios in the order of the split, in full batches, counted by themselves', async () => {
  const reader = await data.open('train');
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 300 }),
    shuffle,
    fc.nat(1),
    async (batchSize, order, scenario) => {
      const whole = await rowsOf(reader, { batchSize, shuffle: order });
      const part = await readSubset(reader, { scenarios: [scenario] });
      const found = await rowsOf(part, { batchSize, shuffle: order });
      const expected = whole.rows.filter(({ rest }) => rest[2][0] === scenario);
      expect(found.rows.map(({ rest }) => rest)).toEqual(expected.map(({ rest }) => rest));
      expect(part.rows).toBe(expected.length);
      // The k-th row of the part in stored order has the number k.
      const numbers = expected.map(({ row }) => row).toSorted((a, b) => a - b);
      expect(found.rows.map(({ row }) => numbers[row])).toEqual(expected.map(({ row }) => row));
      expect(found.sizes.slice(0, -1).every((size) => size === batchSize)).toBe(true);
      expect(found.sizes.reduce((sum, size) => sum + size)).toBe(expected.length);
    },
  );
  await fc.assert(property, { numRuns: 25, seed: 3 });
  await reader.close();
});

test('goes on from any batch with the rows that were left', async () => {
  const part = await readSubset(await data.open('train'), { scenarios: [1] });
  const property = fc.asyncProperty(
    fc.integer({ min: 1, max: 200 }),
    fc.nat(8),
    shuffle,
    async (batchSize, firstBatch, order) => {
      const all = await rowsOf(part, { batchSize, shuffle: order });
      const rest = await rowsOf(part, { batchSize, shuffle: order, firstBatch });
      expect(rest.rows).toEqual(all.rows.slice(firstBatch * batchSize));
    },
  );
  await fc.assert(property, { numRuns: 25, seed: 5 });
  await part.close();
});

test('labels of tasks that are not learned are missing, everything else is as it was', async () => {
  const reader = await data.open('validation');
  const whole = await rowsOf(reader, { batchSize: 30 });
  for (const scenarios of [undefined, [0]]) {
    const part = await readSubset(reader, { scenarios, tasks: [1] });
    const kept = whole.rows.filter(({ rest }) => scenarios === undefined || rest[2][0] === 0);
    const found = await rowsOf(part, { batchSize: 30 });
    expect(found.rows.map(({ rest }) => rest)).toEqual(kept.map(({ rest }) => rest.with(3, [Number.NaN, rest[3][1]])));
    expect(kept.some(({ rest }) => rest[3][0] === 1)).toBe(true);
  }
  await reader.close();
});

test('a part without rows is read as such', async () => {
  const part = await readSubset(await data.open('test'), { scenarios: [] });
  expect(part.rows).toBe(0);
  expect((await rowsOf(part, { batchSize: 7 })).sizes).toEqual([]);
  await part.close();
});
