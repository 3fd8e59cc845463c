/** How the numbers of an embedding table start. */
import { expect, test } from 'vitest';
import { allocateWeights, weightBytes } from '../../../src/inference/arena/weights.ts';
import { plainKernels } from '../../../src/kernels/plain.ts';
import { initialize } from '../../../src/train/step/initialize.ts';
import { openTable } from '../../tables/support.ts';

const [ROWS, DIMENSION] = [5_000, 8];

/** A table as it starts, with seed 3. */
function started(start?: Parameters<typeof initialize>[4]): Float32Array {
  const sizes = {
    specs: [],
    buffers: [],
    tables: { rows: ROWS, dimension: DIMENSION, gateTable: false, moments: 0 as const },
  };
  const tables = openTable(ROWS, DIMENSION);
  const weights = allocateWeights(plainKernels.createArena(weightBytes(sizes)), sizes, tables);
  initialize(weights, ROWS, DIMENSION, 3, start);
  return tables.parts('embedding')[0].view;
}

const deviation = (numbers: Float32Array): number =>
  Math.sqrt(numbers.reduce((sum, x) => sum + x * x, 0) / numbers.length);

test("a table starts by Xavier's uniform rule over all of it", () => {
  const table = started();
  const bound = Math.sqrt(6 / (ROWS + DIMENSION));
  expect(table.every((x) => Math.abs(x) <= bound)).toBe(true);
  expect(deviation(table) / (bound / Math.sqrt(3))).toBeCloseTo(1, 1);
});

test('a given deviation is that of a normal start; rows of ids that decay start at 0', () => {
  const table = started({ deviation: 0.03, zero: [{ from: 0, to: 100 }] });
  expect(deviation(table.subarray(0, 100 * DIMENSION))).toBe(0);
  const others = table.subarray(100 * DIMENSION);
  expect(deviation(others)).toBeCloseTo(0.03, 3);
  expect(others.some((x) => Math.abs(x) > 0.09)).toBe(true); // normal, not uniform
});
