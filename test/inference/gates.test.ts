/** Means of gates over rows, cell by cell. */
import { expect, test } from 'vitest';
import { addGates, meanGates, noGates, sumGates } from '../../src/inference/gates.ts';

test('gates are averaged over the rows of a scenario, batch by batch', () => {
  const sums = noGates(3);
  const batch = (scenario: number[], a: number[], b: number[]) =>
    addGates(
      sums,
      { size: scenario.length, scenario: Int32Array.from(scenario) },
      {
        logits: { data: new Float32Array(2 * scenario.length) },
        'gate.a': { data: Float32Array.from(a) },
        'gate.b': { data: Float32Array.from(b) },
      },
    );
  batch([0, 2, 0], [1, 0, 0.5, 0.25, 0, 1], [0, 0, 0, 0, 0.5, 0.5]); // [3, T = 2]
  batch([2], [0.25, 0.75], [1, 1]);
  expect(meanGates(sums)).toEqual({
    names: ['a', 'b'],
    open: [
      [0.5, 0.25], // scenario 0, task 0
      [0.5, 0.25],
      [null, null],
      [null, null],
      [0.375, 0.5], // scenario 2
      [0.5, 0.5],
    ],
  });
  expect(meanGates(noGates(3))).toBeUndefined();
  // Of two ranks, of which one had no rows.
  const total = noGates(3);
  sumGates(total, [sums, noGates(3), sums]);
  expect(total.rows).toEqual([4, 0, 4]);
  expect(meanGates(total)).toEqual(meanGates(sums));
});
