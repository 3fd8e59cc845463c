/** The model of cost: against counts by hand, and against the counters of ranks. */
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { distinctRows, stepBytes, stepTime } from '../../src/comm/cost.ts';

const sizes = {
  ranks: 4,
  tables: 'replicated' as const,
  batch: 1000,
  fields: 2,
  dimension: 15,
  tableRows: 1e9,
  denseParameters: 1000,
};

test('bytes by hand: no two draws read the same row of a huge table', () => {
  const { dense, toOwners, fromOwners } = stepBytes(sizes);
  expect(dense).toBe(2 * 4000 * 0.75);
  expect(toOwners / (500 * 64 * 0.75)).toBeCloseTo(1, 5); // 500 rows of 64 bytes, of which a quarter stays
  expect(fromOwners / (500 * 64 * 3)).toBeCloseTo(1, 5); // a quarter of 2000 rows, to three others
  const shared = stepBytes({ ...sizes, tables: 'sharded' });
  expect(shared).toEqual({ dense, toOwners, fromOwners: shared.fromOwners });
  expect(shared.fromOwners / (500 * 60 * 0.75)).toBeCloseTo(1, 5); // 60 bytes of each of the 500 rows that the rank reads
});

test('one rank sends nothing, and takes the time that it takes', () => {
  const machine = { stepMs: 100, updateMs: 20, gigabytesPerSecond: 1, latencyUs: 50 };
  expect(stepBytes({ ...sizes, ranks: 1 })).toEqual({ dense: 0, toOwners: 0, fromOwners: 0 });
  expect(stepTime({ ...sizes, ranks: 1 }, machine)).toBe(100);
  expect(stepTime({ ...sizes, ranks: 4 }, { ...machine, gigabytesPerSecond: 1e9, latencyUs: 0 })).toBeCloseTo(40, 5);
  const shared = stepTime({ ...sizes, tables: 'sharded' }, { ...machine, gigabytesPerSecond: 1e9, latencyUs: 0 });
  expect(shared).toBeCloseTo(25, 5); // updates are shared, too
});

describe('distinct rows', () => {
  test.each([
    [1, 5, 1],
    [10, 0, 0],
    [10, 1, 1],
    [2, 2, 1.5],
  ])('%i rows, %i draws', (rows, draws, expected) => {
    expect(distinctRows(rows, draws)).toBeCloseTo(expected, 10);
  });

  test('agrees with draws', () => {
    const { below } = random('draws');
    const found = new Set(Array.from({ length: 20_000 }, () => below(10_000))).size;
    expect(distinctRows(10_000, 20_000) / found).toBeCloseTo(1, 2);
  });
});
