import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Calibration } from '../../src/documents/artifact.ts';
import { calibrator } from '../../src/store/artifact/calibration.ts';

test('none gives what the graph gave; platt and isotonic are worked out from the logit', () => {
  expect(calibrator({ kind: 'none' })(3, 0.25)).toBe(0.25);
  expect(calibrator({ kind: 'platt', scale: 2, shift: -1 })(0.5, 0.9)).toBe(0.5);
  const isotonic = calibrator({ kind: 'isotonic', x: [-1, 0, 2], y: [0.1, 0.5, 0.6] });
  for (const [logit, expected] of [
    [-9, 0.1],
    [-1, 0.1],
    [-0.5, 0.3],
    [0, 0.5],
    [1, 0.55],
    [2, 0.6],
    [9, 0.6],
  ])
    expect(isotonic(logit, 0)).toBeCloseTo(expected, 12);
});

const rising = (numbers: number[]): number[] => [...new Set(numbers)].sort((a, b) => a - b);
const finite = { noNaN: true, noDefaultInfinity: true } as const;
const isotonic = fc
  .record({
    x: fc.array(fc.double({ min: -30, max: 30, ...finite }), { minLength: 1, maxLength: 12 }).map(rising),
    shares: fc.array(fc.double({ min: 0, max: 1, ...finite }), { minLength: 12, maxLength: 12 }),
  })
  .map(({ x, shares }): Calibration => {
    return { kind: 'isotonic', x, y: shares.slice(0, x.length).sort((a, b) => a - b) };
  });
const platt = fc
  .record({ scale: fc.double({ min: 1e-3, max: 50, ...finite }), shift: fc.double({ min: -20, max: 20, ...finite }) })
  .map((line): Calibration => ({ kind: 'platt', ...line }));

test('calibrated probabilities lie in [0, 1] and never fall as the logit rises', () => {
  const logits = fc.array(fc.double({ min: -1e4, max: 1e4, ...finite }), { minLength: 2, maxLength: 30 });
  const property = fc.property(fc.oneof(isotonic, platt), logits, (calibration, drawn) => {
    const ends = calibration.kind === 'isotonic' ? calibration.x : [];
    const calibrated = [...drawn, ...ends].sort((a, b) => a - b).map((logit) => calibrator(calibration)(logit, 0.5));
    for (const [i, p] of calibrated.entries()) {
      expect(p).toBeGreaterThanOrEqual(calibrated[i - 1] ?? 0);
      expect(p).toBeLessThanOrEqual(1);
    }
  });
  // Neighbours whose difference is a denormal number: 0 in a thread that runs sessions.
  const close: Calibration = { kind: 'isotonic', x: [0, 4.450147717014403e-308, 4.450147717014404e-308], y: [0, 0, 0] };
  // Just below the second point the line would be above it, by rounding.
  const past: Calibration = {
    kind: 'isotonic',
    x: [-8.900295434028806e-308, 0],
    y: [3.0552432632426027e-100, 2.205040115172071e-99],
  };
  const examples: [Calibration, number[]][] = [
    [close, [0, 0]],
    [past, [-5e-324, 0]],
  ];
  fc.assert(property, { examples });
});
