/** Assignment as it is compiled: equal to the pure function, independent of what else is configured, and fast. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type ExperimentConfig, experimentsSchema } from '../../../src/config/experiments.ts';
import { assign } from '../../../src/evaluate/experiment/index.ts';
import { compilePlan, type Plan } from '../../../src/serve/experiments/plan.ts';
import { assignmentOf } from '../../../src/serve/experiments/versions.ts';
import { REQUEST } from '../support.ts';
import type { ExperimentInput } from './support.ts';

const arms = { control: {}, treatment: { model: 'shop@b' } };
const parsed = (...experiments: ExperimentInput[]): ExperimentConfig[] => experimentsSchema.parse(experiments);
const planOf = (...experiments: ExperimentInput[]): Plan => {
  const configs = parsed(...experiments);
  return compilePlan(configs, configs, 'shop');
};
const asked = (user: unknown, over: object = {}) => ({ ...REQUEST, user: { user }, ...over }) as typeof REQUEST;

test('a plan assigns as the pure function does, whatever else runs in other scenarios', () => {
  const share = fc.integer({ min: 0, max: 100 }).map((n) => n / 100);
  const experiment = fc.record({
    weights: fc.constantFrom<number[][]>([0.5, 0.5], [0.2, 0.8], [1 / 3, 2 / 3]),
    coverage: share,
    hashVersion: fc.constantFrom(1 as const, 2 as const),
    seed: fc.constantFrom(undefined, 'other'),
    namespace: fc.constantFrom(undefined, { name: 'n', range: [0.2, 0.7] as [number, number] }),
  });
  fc.assert(
    fc.property(experiment, fc.string({ minLength: 1, maxLength: 20 }), (options, user) => {
      const config = { key: 'tested', unit: 'user', scenarios: ['home'], arms, ...options };
      const plan = planOf({ key: 'elsewhere', unit: 'user', scenarios: ['search'], arms }, config);
      const expected = assign(assignmentOf(parsed(config)[0]), user);
      const part = plan.partsOf(asked(user))?.[0];
      expect(part && { arm: Object.keys(arms).indexOf(part.arm.name), bucket: part.bucket }).toEqual(expected);
      expect(plan.partOf('tested', user, undefined)?.arm).toEqual(part?.arm);
    }),
  );
});

test('who takes part: by model, scenario and a unit that is a text or a number', () => {
  const plan = planOf({ key: 'a', unit: 'user', scenarios: ['home'], arms });
  const takes = (user: unknown, over: object = {}): boolean => plan.partsOf(asked(user, over)) !== undefined;
  expect([takes('u1'), takes(17), takes('u1', { model: 'shop' })]).toEqual([true, true, true]);
  expect(plan.partsOf(asked(17))).toEqual(plan.partsOf(asked('17')));
  for (const nobody of [null, undefined, '', ['u1'], {}, true, 'x'.repeat(2000)]) expect(takes(nobody)).toBe(false);
  for (const over of [{ scenario: 'search' }, { model: 'shop@a' }, { model: 'other' }, { user: 'u1' }, { user: null }])
    expect(takes('u1', over)).toBe(false);
  expect(takes('u1', { context: { user: null } })).toBe(false);
  expect(plan.partsOf(asked('u1', { context: { user: 'u2' } }))).toEqual(plan.partsOf(asked('u2')));
  for (const wrong of [null, 'text', 3, []]) expect(plan.partsOf(wrong as never)).toBeUndefined();
});

test('experiments of other models concern requests for these alone', () => {
  const plan = planOf({ key: 'news', unit: 'user', arms: { control: { model: 'news@a' }, b: { model: 'news-b' } } });
  expect(plan.partsOf(asked('u1'))).toBeUndefined();
  expect(plan.partsOf(asked('u1', { model: 'news' }))).toHaveLength(1);
});

test('units that took part in a version below minBucketVersion stay out', () => {
  const first = { key: 'k', unit: 'user', arms, coverage: 0.4, bucketVersion: 1 };
  const [now] = parsed({ ...first, coverage: 1, seed: 'new', bucketVersion: 2, minBucketVersion: 2 });
  const versions = [...parsed(first), now];
  const plan = compilePlan([now], versions, 'shop');
  const before = planOf(first);
  for (let i = 0; i < 500; i++)
    expect(plan.partsOf(asked(`u${i}`)) === undefined).toBe(before.partsOf(asked(`u${i}`)) !== undefined);
});

test('EXPERIMENTS_OVERLAP: two that decide the same of the same requests', () => {
  const of = (key: string, over: object = {}): ExperimentInput => ({ key, unit: 'user', arms, ...over });
  const scores = { control: {}, treatment: { score: 'click' } };
  const inside = (from: number, to: number) => ({ namespace: { name: 'n', range: [from, to] as [number, number] } });
  expect(() => planOf(of('a'), of('b'))).toThrow('experiments a and b both change the model of the same requests');
  expect(() => planOf(of('a', { arms: scores }), of('b', { mode: 'shadow' }))).toThrow('change the score');
  expect(() => planOf(of('a', { scenarios: ['home', 'x'] }), of('b', { scenarios: ['x'] }))).toThrow('"x"');
  expect(() => planOf(of('a'), of('b', { arms: scores }))).not.toThrow();
  expect(() => planOf(of('a', inside(0, 0.5)), of('b', inside(0.5, 1)))).not.toThrow();
  expect(() => planOf(of('a', { scenarios: ['x'] }), of('b', { scenarios: ['y'] }))).not.toThrow();
  expect(() => planOf(of('a'), of('b', { arms: { control: { model: 'news' }, b: { model: 'n2' } } }))).not.toThrow();
  expect(() => planOf(of('a'), of('b', inside(0, 1)))).toThrow();
});

test('a thousand experiments cost what those that match cost', () => {
  const many = Array.from({ length: 999 }, (_, i) => ({ key: `e${i}`, unit: 'user', scenarios: [`s${i}`], arms }));
  const spaced = Array.from({ length: 999 }, (_, i) => ({
    key: `e${i}`,
    unit: 'user',
    arms,
    namespace: { name: 'n', range: [i / 1000, (i + 1) / 1000] as [number, number] },
  }));
  const own = { key: 'own', unit: 'user', scenarios: ['home'], arms };
  const requests = Array.from({ length: 1000 }, (_, i) => asked(`u${i}`));
  const microseconds = (plan: Plan): number => {
    const times = Array.from({ length: 9 }, () => {
      const start = performance.now();
      for (const each of requests) plan.partsOf(each);
      return performance.now() - start;
    });
    return Math.min(...times); // of 1000 requests, in ms
  };
  const [one, thousand, divided] = [planOf(own), planOf(...many, own), planOf(...spaced)].map(microseconds);
  // 1000 requests in ms: the same number as one in us.
  console.log(`assignment: ${[one, thousand, divided].map((us) => us.toFixed(2)).join(', ')} us a request`);
  expect([one, thousand, divided].every((us) => us < 20)).toBe(true);
  expect(thousand).toBeLessThan(5 * one + 1);
  expect(divided).toBeLessThan(10 * one + 2);
});
