/** Shares over simulated runs, printed so that docs/statistics.md can quote them. */
import { expect } from 'vitest';
import { type Random, random } from '../../src/base/random.ts';

/** Share of runs in which something happens. Each run has a generator of its own. */
export function shareOf(name: string, runs: number, happens: (generator: Random, run: number) => boolean): number {
  let count = 0;
  for (let run = 0; run < runs; run++) if (happens(random(name, run), run)) count++;
  return count / runs;
}

/** Prints a figure and holds it against a band. */
export function expectBetween(name: string, found: number, low: number, high: number): void {
  console.log(`${name}: ${Number(found.toPrecision(4))} (band ${low} to ${Number(high.toPrecision(4))})`);
  expect(found, name).toBeGreaterThanOrEqual(low);
  expect(found, name).toBeLessThanOrEqual(high);
}

/** Two standard errors of a share above it. */
export const upTo = (share: number, runs: number): number => share + 2 * Math.sqrt((share * (1 - share)) / runs);
