/** The verdict: one rule after the other, and its sentence. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type VerdictInput, verdictOf } from '../../../src/evaluate/experiment/index.ts';

const found = (metric: string, low: number, high: number) => ({ metric, estimate: (low + high) / 2, low, high });
const base: VerdictInput = {
  broken: [],
  success: [found('buy', 0.002, 0.006)],
  guardrails: [{ ...found('click', -0.001, 0.003), margin: -0.005 }],
};

test.each<[string, Partial<VerdictInput>, string]>([
  [
    'better, guardrails hold',
    {},
    'ship: buy +0.004 (+0.002 to +0.006) is above 0; click +0.001 (-0.001 to +0.003) is within the margin -0.005.',
  ],
  ['a broken assignment', { broken: ['SRM p = 2e-7'] }, 'broken: SRM p = 2e-7.'],
  [
    'a guardrail beyond its margin, though buy is better',
    { guardrails: [{ ...found('click', -0.02, -0.008), margin: -0.005 }] },
    'roll back: click -0.014 (-0.02 to -0.008) is beyond the margin -0.005.',
  ],
  ['worse', { success: [found('buy', -0.006, -0.002)] }, 'roll back: buy -0.004 (-0.006 to -0.002) is below 0.'],
  [
    'undecided',
    { success: [found('buy', -0.002, 0.006)], missing: { units: 12_345.2, days: 3.1 } },
    'go on: needs about 12346 more units, 4 days; buy +0.002 (-0.002 to +0.006) holds 0.',
  ],
  [
    'better, but a guardrail is open',
    { guardrails: [{ ...found('click', -0.008, 0.003), margin: -0.005 }] },
    'go on: click -0.0025 (-0.008 to +0.003) may be beyond the margin -0.005.',
  ],
  [
    'equal within a margin',
    { success: [{ ...found('buy', -0.001, 0.002), margin: 0.003 }] },
    'no difference: buy +0.0005 (-0.001 to +0.002) is within +0.003 of 0.',
  ],
])('%s', (_, change, sentence) => {
  const verdict = verdictOf({ ...base, ...change });
  expect(verdict.sentence).toBe(sentence);
  expect(sentence.startsWith(verdict.decision)).toBe(true);
});

test('nothing broken or with an open guardrail ships; narrower intervals never turn ship into another decision', () => {
  const bound = fc.double({ min: -0.01, max: 0.01, noNaN: true });
  const finding = fc.tuple(bound, bound).map(([x, y]) => found('m', Math.min(x, y), Math.max(x, y)));
  fc.assert(
    fc.property(finding, finding, fc.double({ min: -0.005, max: 0, noNaN: true }), (success, guard, margin) => {
      const guardrails = [{ ...guard, margin }];
      const { decision } = verdictOf({ broken: [], success: [success], guardrails });
      expect(verdictOf({ broken: ['SRM'], success: [success], guardrails }).decision).toBe('broken');
      if (decision !== 'ship') return;
      expect(guard.low).toBeGreaterThan(margin);
      const narrow = (one: typeof success) => found('m', (one.low + one.estimate) / 2, (one.high + one.estimate) / 2);
      const again = verdictOf({ broken: [], success: [narrow(success)], guardrails: [{ ...narrow(guard), margin }] });
      expect(again.decision).toBe('ship');
    }),
  );
});
