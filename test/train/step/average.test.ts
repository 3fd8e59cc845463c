/** The moving average of weights: its shares, and the table, which takes part in some of the steps. */
import { expect, test } from 'vitest';
import { WeightAverage } from '../../../src/train/step/average.ts';
import { openTable } from '../../tables/support.ts';

const region = (numbers: number[]) => ({ byteOffset: 0, view: Float32Array.from(numbers) });

function averaged(rows: number) {
  const weights = {
    dense: region([0]),
    bufferValues: region([]),
    tables: openTable(rows, 2),
  };
  let settled = 0;
  const average = new WeightAverage(weights, 0.5, () => void settled++);
  average.reset();
  const step = (number: number, value: number): void => {
    weights.dense.view.fill(value);
    weights.tables.parts('embedding')[0].view.fill(value);
    average.add(number);
  };
  const kept = (): [dense: number, table: number] => {
    average.swap();
    const found: [number, number] = [weights.dense.view[0], weights.tables.parts('embedding')[0].view[1]];
    average.swap();
    return found;
  };
  return { step, kept, settled: () => settled };
}

test('the first steps count more than the decay says', () => {
  const { step, kept } = averaged(3);
  step(1, 1);
  expect(kept()[0]).toBeCloseTo(9 / 11, 6); // 1 - 2 / 11
  for (const number of [20, 21]) step(number, 3);
  expect(kept()).toEqual([expect.closeTo(9 / 44 + 9 / 4, 6), expect.closeTo(9 / 44 + 9 / 4, 6)]);
});

test('a table of any size costs a step the same: a large one is averaged at every n-th step, settled before', () => {
  const large = averaged(3 * 8192);
  for (const number of [20, 21, 22]) large.step(number, 1);
  // At the step 21 the table stands for three steps of one value.
  expect(large.kept()).toEqual([expect.closeTo(1 - 0.5 ** 3, 6), expect.closeTo(1 - 0.5 ** 3, 6)]);
  expect(large.settled()).toBe(2); // at the start, and at the step 21
  const small = averaged(8192);
  for (const number of [20, 21, 22]) small.step(number, 1);
  expect(small.settled()).toBe(4);
});
