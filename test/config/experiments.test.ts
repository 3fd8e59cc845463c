import { describe, expect, it } from 'vitest';
import { loadServing } from '../../src/config/load-serving.ts';

const arms = { control: {}, treatment: { score: 'click' } };
const experiment = { key: 'flows', unit: 'user_id', arms };
const load = async (...experiments: object[]) => (await loadServing({ experiments })).experiments;

describe('experiments of a serving configuration', () => {
  it('takes all that the page of experiments shows', async () => {
    const [found] = await load({
      key: 'flows-2026-12',
      unit: 'user_id',
      scenarios: ['home', 'search'],
      arms: {
        control: { model: 'shop@38157ceaff06' },
        treatment: { model: 'shop@9c2e41d0ab12', score: 'click + 2 * buy' },
      },
      weights: [0.5, 0.5],
      coverage: 0.2,
      namespace: { name: 'ranking', range: [0, 0.5] },
      hashVersion: 2,
      mode: 'split',
      bucketVersion: 1,
      metrics: {
        success: ['buy'],
        guardrails: [
          { metric: 'click', margin: 0.005 },
          { metric: 'latency_p99', margin: '10%' },
        ],
      },
      sequential: { groupSequential: { looks: 5, maximum: 200_000 } },
      ramp: [0.01, 0.05, 0.2, 0.5],
    });
    expect(found).toMatchObject({ coverage: 0.2, minBucketVersion: 0 });
    expect(Object.keys(found.arms)).toEqual(['control', 'treatment']);
  });

  it('fills in defaults, and parses its own output to the same', async () => {
    const [found] = await load({ ...experiment, ramp: [0.1, 1] });
    expect(found).toEqual({
      ...experiment,
      mode: 'split',
      coverage: 0.1,
      hashVersion: 2,
      bucketVersion: 0,
      minBucketVersion: 0,
      metrics: { success: [], guardrails: [], windows: {} },
      sequential: 'always-valid',
      ramp: [0.1, 1],
    });
    expect(await load(found)).toEqual([found]);
    expect((await load(experiment))[0].coverage).toBe(1);
    const metrics = { success: ['units with buy', { metric: 'click', margin: '1%' }], windows: { buy: '7d' } };
    const [held] = await load({ ...experiment, metrics, ramp: { steps: [0.2, 0.5], units: 500 } });
    expect(held).toMatchObject({ coverage: 0.2, metrics, ramp: { steps: [0.2, 0.5], hold: '24h', units: 500 } });
    expect(await load(held)).toEqual([held]);
  });

  it.each<[string, object[], string]>([
    ['two of one key', [experiment, experiment], 'experiments.1.key: there are two experiments flows'],
    ['one arm', [{ ...experiment, arms: { control: {} } }], 'experiments.0.arms: expected two arms or more, found 1'],
    ['a name of digits', [{ ...experiment, arms: { 1: {}, 2: {} } }], 'expected a letter'],
    [
      'weights of another number',
      [{ ...experiment, weights: [1] }],
      'weights: expected one for each of 2 arms, found 1',
    ],
    ['weights that do not add up', [{ ...experiment, weights: [0.5, 0.6] }], 'weights: must add up to 1, found 1.1'],
    ['weights of a shadow', [{ ...experiment, mode: 'shadow', weights: [0.5, 0.5] }], 'weights: belong to mode split'],
    [
      'a shadow of three',
      [{ ...experiment, mode: 'shadow', arms: { ...arms, other: {} } }],
      'mode shadow has two arms',
    ],
    ['coverage above 1', [{ ...experiment, coverage: 1.2 }], 'experiments.0.coverage: expected at most 1, found 1.2'],
    [
      'an empty range',
      [{ ...experiment, namespace: { name: 'a', range: [0.5, 0.5] } }],
      'namespace.range: expected two',
    ],
    ['a ramp that falls', [{ ...experiment, ramp: [0.5, 0.1] }], 'ramp: expected rising shares'],
    [
      'a version above',
      [{ ...experiment, minBucketVersion: 1 }],
      'minBucketVersion: must not be above bucketVersion (0)',
    ],
    ['a hash unknown', [{ ...experiment, hashVersion: 3 }], 'hashVersion'],
    ['a margin of words', [{ ...experiment, metrics: { guardrails: [{ metric: 'click', margin: 'little' }] } }], '10%'],
    [
      'a metric of latency that is to decide',
      [{ ...experiment, metrics: { success: ['latency_p99'] } }],
      'are guardrails',
    ],
    ['an empty metric', [{ ...experiment, metrics: { success: [''] } }], 'expected a metric: TYPE'],
    ['no unit', [{ key: 'flows', arms }], 'experiments.0.unit: is missing'],
  ])('refuses %s', async (_, experiments, message) => {
    const problems = await load(...experiments).catch(
      (cause: Error & { code: string }) => `${cause.code} ${cause.message}`,
    );
    expect(problems).toContain('CONFIG_INVALID');
    expect(problems).toContain(message);
  });

  it('keeps experiments of one namespace apart', async () => {
    const inside = (key: string, range: number[], unit = 'user_id') => ({
      ...experiment,
      key,
      unit,
      namespace: { name: 'ranking', range },
    });
    await expect(load(inside('b', [0.5, 1]), inside('a', [0, 0.5]))).resolves.toHaveLength(2);
    await expect(load(inside('a', [0, 0.5]), inside('b', [0.4, 1]))).rejects.toThrow(
      'experiments.1.namespace: its range overlaps that of a',
    );
    await expect(load(inside('a', [0, 0.5]), inside('b', [0.5, 1], 'session'))).rejects.toThrow(
      'experiments.1.unit: a divides the same namespace by user_id',
    );
  });
});
