/** Numbers that are not finite end a step before it changes anything. */
import { expect, test } from 'vitest';
import { firstNotFinite } from '../../../src/base/numbers.ts';
import { type Problem, type StepOptions, stepOn } from './tiny.ts';

test('the first number that is not finite is found, wherever it lies', () => {
  const numbers = new Float32Array(100_000).fill(-3e38);
  expect(firstNotFinite(numbers)).toBe(-1);
  expect(firstNotFinite(new Float32Array())).toBe(-1);
  for (const bad of [Number.NaN, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY])
    for (const at of [0, 16_383, 16_384, 99_999]) {
      const broken = numbers.slice();
      broken[at] = bad;
      expect(firstNotFinite(broken)).toBe(at);
    }
});

const PROBLEM: Problem = {
  kernel: [1, 1],
  table: [0.5, -0.5],
  dimension: 1,
  ids: [0, 1],
  scenario: [0, 1],
  labels: [1, 0, 0, 1],
};

const WEIGHTS: [string, number[], string][] = [
  ['NaN', [Number.NaN, 1], 'NaN'],
  ['of which all are NaN', [Number.NaN, Number.NaN], 'NaN'],
  ['so small that float32 has 0 for them', [1e-60, 1e-60], '0'],
  ['infinite', [1, Number.POSITIVE_INFINITY], 'Infinity'],
  ['so large that float32 has infinity for them', [1e300, 1], 'Infinity'],
  ['that cancel', [1, -1], '0'],
];

test.each(WEIGHTS)('weights %s are no missing labels: the step ends with LOSS_NOT_FINITE', async (_, weight, sum) => {
  for (const reduction of ['sum', 'mean'] as const) {
    const step = stepOn({ ...PROBLEM, weight }, { reduction });
    await expect(step).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE', exitCode: 5 });
    await expect(step).rejects.toThrow(`The weights of the batch's rows sum to ${sum}`);
  }
  await expect(stepOn({ ...PROBLEM, weight }, { reduction: 'perScenarioMean' })).rejects.toMatchObject({
    code: 'LOSS_NOT_FINITE',
  });
});

test('weights of rows whose labels are missing are looked at only where they count', async () => {
  const labels = [1, Number.NaN, Number.NaN, Number.NaN];
  const { losses } = await stepOn({ ...PROBLEM, labels, weight: [1, Number.NaN] });
  expect(losses[0]).toBeGreaterThan(0);
  expect(losses[1]).toBeNaN();
});

test('a batch without any label is no breakdown', async () => {
  const { losses } = await stepOn({ ...PROBLEM, labels: new Array<number>(4).fill(Number.NaN) });
  expect(losses).toEqual([Number.NaN, Number.NaN]);
});

const BROKEN: [string, Problem, StepOptions, RegExp][] = [
  ['a logit', { ...PROBLEM, kernel: [3e38, 1], table: [30, -0.5] }, {}, /the loss of task "task 0" is not finite/],
  [
    'the gradient of a table row',
    { ...PROBLEM, kernel: [3e38, 3e38], table: [1e-38, 1e-38], labels: [0, 1, 0, 1] },
    { taskWeights: [1e3, 1] },
    /the gradient of a row of the embedding table is not finite/,
  ],
];

test.each(BROKEN)('%s that overflows ends the step', async (_, problem, request, message) => {
  const step = stepOn(problem, request);
  await expect(step).rejects.toMatchObject({ code: 'LOSS_NOT_FINITE' });
  await expect(step).rejects.toThrow(message);
});
