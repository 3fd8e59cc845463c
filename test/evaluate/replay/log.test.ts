/** What a log can say: refusals, position bias, down-sampling, as-of joins. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import {
  asOfJoin,
  correctedLogit,
  correctedRate,
  diagnose,
  examinationByEm,
  harvestedExamination,
  identified,
  randomisedExamination,
  replayRefusals,
} from '../../../src/evaluate/replay/index.ts';

describe('refusals', () => {
  const usable = () => {
    const generator = random('usable');
    const weights = Array.from({ length: 2000 }, () => (generator.uniform() < 0.5 ? 0.5 : 1.5));
    return { weights, propensities: weights.map(() => 0.5), units: weights.map((_, i) => i % 500) };
  };

  test('a usable log is not refused', () => {
    const d = diagnose(usable());
    expect(d).toMatchObject({
      rows: 2000,
      units: 500,
      support: 1,
      deterministic: 0,
      largestWeight: 1.5,
      smallestPropensity: 0.5,
    });
    expect(d.effectiveRows).toBeGreaterThan(1500);
    expect(replayRefusals(d)).toEqual([]);
  });

  test.each([
    ['no rows', () => ({ weights: [], propensities: [], units: [] }), /^no-rows: the log has no rows/],
    [
      'a deterministic log',
      () => ({ ...usable(), propensities: usable().weights.map(() => 1) }),
      /^deterministic: .*exploration/,
    ],
    [
      'missing support',
      () => ({ ...usable(), support: usable().weights.map((_, i) => (i % 10 === 0 ? 0 : 1)) }),
      /support: .*could do 90\.0 %.*95\.0 %/,
    ],
    [
      'wrong propensities',
      () => ({ ...usable(), weights: usable().weights.map((w) => 1.2 * w) }),
      /mean-weight: the mean weight is 1\.\d+, \d+(\.\d+)? standard errors from 1/,
    ],
    [
      'few rows',
      () => ({ weights: [1, 1], propensities: [0.5, 0.5], units: [0, 1] }),
      /2 rows count as 2, at least 100/,
    ],
    [
      'a tiny propensity',
      () => {
        const log = usable();
        // As in the Open Bandit logs: one row at 1e-6 among thousands.
        return { ...log, weights: log.weights.map((w, i) => (i === 7 ? 40_000 : w)) };
      },
      /count as 1\.\d+, at least 100 are needed: the largest weight is 40000/,
    ],
  ])('%s', (_, log, reason) => {
    expect(
      replayRefusals(diagnose(log()))
        .map(({ code, reason: found }) => `${code}: ${found}`)
        .join('; '),
    ).toMatch(reason);
  });
});

describe('position bias', () => {
  const examination = [1, 0.7, 0.4];
  const relevance = { a: 0.5, b: 0.3, c: 0.6, d: 0.2 };
  /** Clicks exactly as often as expected. */
  const counts = (places: [string, number][]) =>
    places.map(([item, position]) => ({
      item,
      position,
      impressions: 1000,
      clicks: 1000 * examination[position] * relevance[item as 'a'],
    }));
  const linked = counts([
    ['a', 0],
    ['a', 1],
    ['b', 1],
    ['b', 2],
    ['c', 0],
    ['c', 2],
    ['d', 2],
    ['d', 1],
  ]);

  test('EM and harvested interventions find planted examination; without links nothing is identified', () => {
    const { relative, relevance: found } = examinationByEm(
      linked,
      { examination: [0.9, 0.8, 0.7], relevance: 0.5 },
      4000,
    );
    for (const [k, r] of relative.entries()) expect(r).toBeCloseTo(examination[k], 3);
    expect(found.a / found.b).toBeCloseTo(5 / 3, 3);
    for (const [k, r] of harvestedExamination(linked, 3).entries()) expect(r).toBeCloseTo(examination[k], 10);
    expect(identified(linked, 3)).toBe(true);
    const apart = counts([
      ['a', 0],
      ['b', 1],
      ['c', 2],
    ]);
    expect(identified(apart, 3)).toBe(false);
    expect(harvestedExamination(apart, 3)[1]).toBeNaN();
  });

  test('random order: numbers of impressions do not matter, and the error falls with them', () => {
    const of = (n: number) => randomisedExamination([n, n, 2 * n], [0.2 * n, 0.1 * n, 0.1 * n]);
    expect(of(100).relative).toEqual([1, 0.5, 0.25]);
    expect(of(400).logRatioSe[1]).toBeCloseTo(of(100).logRatioSe[1] / 2, 10);
  });
});

test('down-sampling: rates and logits agree, rate 1 changes nothing, order stays', () => {
  fc.assert(
    fc.property(
      fc.double({ min: 1e-6, max: 1 - 1e-6, noNaN: true }),
      fc.double({ min: 0.001, max: 1, noNaN: true }),
      (p, rate) => {
        const logit = Math.log(p / (1 - p));
        expect(1 / (1 + Math.exp(-correctedLogit(logit, rate)))).toBeCloseTo(correctedRate(p, rate), 10);
        expect(correctedRate(p, 1)).toBeCloseTo(p, 12);
        expect(correctedRate(p, rate)).toBeLessThanOrEqual(p + 1e-15);
      },
    ),
  );
  for (const rate of [0, -1, 2])
    expect(() => correctedRate(0.5, rate)).toThrow(`a sampling rate is a number in (0, 1], found ${rate}`);
});

test('as-of joins: by brute force, and nothing from later', () => {
  const time = fc.integer({ min: 0, max: 20 });
  const key = fc.constantFrom('u1', 'u2');
  const rows = fc.array(fc.record({ key, time }), { maxLength: 10 });
  // Values name their own place, so that ties show.
  const values = fc
    .array(fc.record({ key, time }), { maxLength: 12 })
    .map((all) => all.map((one, value) => ({ ...one, value })));
  fc.assert(
    fc.property(rows, values, fc.nat(10), (left, right, ttl) => {
      const found = asOfJoin(left, right, ttl);
      left.forEach((row, i) => {
        const usable = right.filter((one) => one.key === row.key && one.time <= row.time && row.time - one.time <= ttl);
        const latest = Math.max(...usable.map((one) => one.time));
        expect(found[i]).toBe(usable.findLast((one) => one.time === latest)?.value ?? null);
      });
      expect(asOfJoin(left.toReversed(), right, ttl)).toEqual(found.toReversed());
    }),
  );
});
