/** Checks of the assignment, by simulation over counts: what they promise while somebody looks every day. */
import { expect, test } from 'vitest';
import type { Random } from '../../src/base/random.ts';
import { SRM_LEVEL } from '../../src/evaluate/experiment/index.ts';
import { anyTimeSrm, checkReturned } from '../../src/experiment/checks.ts';
import { expectBetween, shareOf, upTo } from '../evaluate/simulation.ts';

/** New units of two arms, day by day; the second one loses a share. */
function daysOf(units: number, lost: number, generator: Random, days = 20): [number, number][] {
  return Array.from({ length: days }, () => {
    const n = units / days;
    const a = Math.round(n / 2 + (Math.sqrt(n) / 2) * generator.normal());
    return [a, Math.round((n - a) * (1 - lost))];
  });
}

test('units at any time: rarely a false alarm over 20 days, large faults soon, small ones in time', () => {
  const found = (name: string, runs: number, units: number, lost: number) =>
    shareOf(name, runs, (generator) => anyTimeSrm(daysOf(units, lost, generator), [1, 1]) < SRM_LEVEL);
  expectBetween('SRM at any time, false alarms', found('none', 4000, 200_000, 0), 0, upTo(0.001, 4000));
  expectBetween('SRM at any time, 30 % lost of 1,500 units', found('large', 500, 1500, 0.3), 0.95, 1);
  expectBetween('SRM at any time, 2 % lost of 200,000 units', found('two', 500, 200_000, 0.02), 0.5, 1);
  expectBetween('SRM at any time, 2 % lost of 400,000 units', found('four', 500, 400_000, 0.02), 0.97, 1);
});

test('units that came back: 2 % lost of 20,000 known units, where 95 % come back', () => {
  const returned = (lost: number, generator: Random) => {
    const known = [10_000, 10_000];
    const draw = (n: number, p: number) => Math.round(n * p + Math.sqrt(n * p * (1 - p)) * generator.normal());
    return checkReturned(['control', 'treatment'], {
      known,
      back: [draw(10_000, 0.95), draw(10_000, 0.95 * (1 - lost))],
    });
  };
  const broken = (name: string, lost: number) =>
    shareOf(name, 2000, (generator) => returned(lost, generator)?.state === 'broken');
  expectBetween('units that came back, false alarms', broken('none', 0), 0, upTo(0.001, 2000));
  expectBetween('units that came back, 2 % lost', broken('lost', 0.02), 0.9, 1);
  expect(checkReturned(['a', 'b'], { known: [99, 200], back: [90, 180] })).toBeUndefined();
});
