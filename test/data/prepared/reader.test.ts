import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Batch, BatchOptions } from '../../../src/data/prepared/prepared.ts';
import { openRowFile, type WindowSizes } from '../../../src/data/prepared/reader.ts';
import type { RecordLayout } from '../../../src/data/prepared/record.ts';
import { HEADER_BYTES } from '../../../src/data/prepared/write-records.ts';
import { temporaryFolder } from '../support.ts';

const LAYOUT: RecordLayout = {
  slots: 2,
  tasks: 2,
  scenario: 2,
  labels: 3,
  weight: 5,
  group: 6,
  sequences: -1,
  sequenceIds: 0,
  words: 7,
};

/** A row file whose record `i` holds numbers made from i: ids 2i and 2i+1, scenario i % 3, labels i % 2 and NaN ... */
function writeRows(rows: number): string {
  const bytes = Buffer.alloc(HEADER_BYTES + rows * LAYOUT.words * 4);
  for (let i = 0; i < rows; i++) {
    const at = HEADER_BYTES + i * LAYOUT.words * 4;
    for (const [k, value] of [2 * i, 2 * i + 1, i % 3].entries()) bytes.writeInt32LE(value, at + k * 4);
    for (const [k, value] of [i % 2, Number.NaN, i / 4].entries()) bytes.writeFloatLE(value, at + 12 + k * 4);
    bytes.writeInt32LE(i >> 1, at + 24);
  }
  const path = join(temporaryFolder(), 'rows.bin');
  writeFileSync(path, bytes);
  return path;
}

/** The batches of one reading, copied. */
async function read(path: string, rows: number, options: BatchOptions, sizes?: WindowSizes): Promise<Batch[]> {
  const reader = await openRowFile(path, rows, LAYOUT, sizes);
  const batches: Batch[] = [];
  for await (const batch of reader.batches(options)) batches.push(structuredClone(batch));
  await reader.close();
  return batches;
}

const rowsOf = (batches: Batch[]): number[] => batches.flatMap((b) => [...b.row]);
const counting = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

describe('batches', () => {
  test('in stored order, the last one short', async () => {
    const batches = await read(writeRows(7), 7, { batchSize: 3 });
    expect(batches.map((b) => b.size)).toEqual([3, 3, 1]);
    expect(rowsOf(batches)).toEqual(counting(7));
    expect(batches[1]).toMatchObject({
      ids: new Int32Array([6, 7, 8, 9, 10, 11]),
      scenario: new Int32Array([0, 1, 2]),
      labels: new Float32Array([1, Number.NaN, 0, Number.NaN, 1, Number.NaN]),
      weight: new Float32Array([0.75, 1, 1.25]),
      group: new Int32Array([1, 2, 2]),
    });
    expect(batches[2].ids).toEqual(new Int32Array([12, 13]));
  });

  test('of an empty split: none', async () => {
    expect(await read(writeRows(0), 0, { batchSize: 3, shuffle: { seed: 1, epoch: 1 } })).toEqual([]);
  });

  test('shuffled: every row once, its values with it, and resumable at any batch', async () => {
    const sizes = fc.record({
      rows: fc.integer({ min: 1, max: 120 }),
      batchSize: fc.integer({ min: 1, max: 40 }),
      blockRows: fc.integer({ min: 1, max: 10 }),
      blocksPerWindow: fc.integer({ min: 1, max: 6 }),
      epoch: fc.nat({ max: 5 }),
      first: fc.nat({ max: 10 }),
    });
    await fc.assert(
      fc.asyncProperty(sizes, async ({ rows, batchSize, blockRows, blocksPerWindow, epoch, first }) => {
        const path = writeRows(rows);
        const window = { blockRows, windowRows: blockRows * blocksPerWindow };
        const options = { batchSize, shuffle: { seed: 3, epoch } };
        const all = await read(path, rows, options, window);
        expect(rowsOf(all).sort((a, b) => a - b)).toEqual(counting(rows));
        for (const batch of all)
          for (let i = 0; i < batch.size; i++) {
            const row = batch.row[i];
            expect([batch.ids[2 * i], batch.ids[2 * i + 1], batch.scenario[i], batch.group[i]]).toEqual([
              2 * row,
              2 * row + 1,
              row % 3,
              row >> 1,
            ]);
            expect([batch.labels[2 * i], batch.weight[i]]).toEqual([row % 2, row / 4]);
          }
        expect(all.map((b) => b.size)).toEqual(
          counting(all.length).map((i) => Math.min(batchSize, rows - i * batchSize)),
        );
        expect(await read(path, rows, { ...options, firstBatch: first }, window)).toEqual(all.slice(first));
      }),
      { numRuns: 40 },
    );
  });

  test('the order depends on seed and epoch', async () => {
    const path = writeRows(500);
    const order = async (seed: number, epoch: number, sizes?: WindowSizes) =>
      rowsOf(await read(path, 500, { batchSize: 64, shuffle: { seed, epoch } }, sizes)).join();
    const one = await order(1, 1);
    expect(await order(1, 1)).toBe(one);
    expect(await order(1, 2)).not.toBe(one);
    expect(await order(2, 1)).not.toBe(one);
  });

  test('a set smaller than a window is shuffled as a whole: neighbours part', async () => {
    const path = writeRows(2000);
    const order = rowsOf(await read(path, 2000, { batchSize: 100, shuffle: { seed: 1, epoch: 1 } }));
    const neighbours = order.filter((row, i) => i > 0 && row === order[i - 1] + 1).length;
    expect(neighbours).toBeLessThan(10); // 1 expected
    const firstHalf = order.slice(0, 1000).filter((row) => row < 1000).length;
    expect(Math.abs(firstHalf - 500)).toBeLessThan(80); // standard deviation 11
  });

  test('windows mix far rows', async () => {
    const path = writeRows(4096);
    const order = rowsOf(
      await read(path, 4096, { batchSize: 512, shuffle: { seed: 1, epoch: 1 } }, { blockRows: 8, windowRows: 512 }),
    );
    const mean = order.slice(0, 512).reduce((a, b) => a + b) / 512;
    expect(Math.abs(mean - 2048)).toBeLessThan(600); // 64 blocks: standard deviation 148
  });

  test('a consumer may stop early and start again', async () => {
    const path = writeRows(1000);
    const reader = await openRowFile(path, 1000, LAYOUT, { blockRows: 4, windowRows: 16 });
    for (let round = 0; round < 3; round++)
      for await (const batch of reader.batches({ batchSize: 10, shuffle: { seed: 1, epoch: round } })) {
        expect(batch.size).toBe(10);
        break;
      }
    await reader.close();
  });

  test('a file that was cut off is named', async () => {
    const reader = await openRowFile(writeRows(10), 20, LAYOUT);
    await expect(reader.batches({ batchSize: 20 })[Symbol.asyncIterator]().next()).rejects.toThrow(
      /rows\.bin: the file is shorter/,
    );
    await reader.close();
  });
});
