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

test('units that came back, where 95 % come back: 2 % lost of 20,000 known units, 1 % of 200,000', () => {
  const broken = (name: string, units: number, lost: number) =>
    shareOf(name, 2000, (generator) => {
      const n = units / 2;
      const draw = (p: number) => Math.round(n * p + Math.sqrt(n * p * (1 - p)) * generator.normal());
      const back = [draw(0.95), draw(0.95 * (1 - lost))];
      return checkReturned(['control', 'treatment'], { known: [n, n], back })?.state === 'broken';
    });
  expectBetween('units that came back, false alarms', broken('none', 20_000, 0), 0, upTo(0.001, 2000));
  expectBetween('units that came back, 2 % lost of 20,000', broken('lost', 20_000, 0.02), 0.9, 1);
  expectBetween('units that came back, 1 % lost of 200,000', broken('one', 200_000, 0.01), 0.99, 1);
  expect(checkReturned(['a', 'b'], { known: [99, 200], back: [90, 180] })).toBeUndefined();
});
