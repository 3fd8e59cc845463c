import { appendFileSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parameterSchema } from '../../src/config/tune.ts';
import type { TrialRecord } from '../../src/documents/tuning.ts';
import { importances } from '../../src/study/tune/importance.ts';
import { openTrialLog, ranked } from '../../src/study/tune/trials.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-trials-'));
afterAll(() => rmSync(folder, { recursive: true }));

const record = (trial: number, value: number | null, more: Partial<TrialRecord> = {}): TrialRecord => ({
  trial,
  value,
  parameters: { x: trial },
  asked: null,
  epochs: 3,
  ended: true,
  seconds: 1,
  ...more,
});

test('records outlive a kill in the middle of a line, and are told in the order of trials', () => {
  const path = join(folder, 'trials.jsonl');
  const first = openTrialLog(path);
  first.add(record(1, 0.5, { asked: 2, ended: false }));
  first.add(record(0, 0.6, { asked: 2 }));
  first.close();
  appendFileSync(path, '{"trial":2,"val');
  const second = openTrialLog(path);
  expect(second.records().map(({ trial }) => trial)).toEqual([0, 1]);
  second.add(record(2, null));
  second.close();
  const third = openTrialLog(path);
  expect(third.records().map(({ trial }) => trial)).toEqual([0, 1, 2]);
  // A trial that has ended, or failed, has nothing to add for more epochs; one that paused has.
  expect(third.find(0, null)).toEqual(record(0, 0.6, { asked: 2 }));
  expect(third.find(2, 6)?.value).toBeNull();
  expect(third.find(1, 2)?.value).toBe(0.5);
  expect(third.find(1, 6)).toBeUndefined();
  third.close();
});

test('ranking: what went furthest, then the value, then the earlier; failures last', () => {
  const records = [
    record(0, 0.9, { asked: 2, epochs: 2, ended: false }),
    record(1, 0.7),
    record(2, null),
    record(3, 0.8, { asked: 2, epochs: 2, ended: false }),
    record(3, 0.6),
    record(4, 0.7),
  ];
  const order = (better: 'higher' | 'lower'): number[] => ranked(records, better).map(({ trial }) => trial);
  expect(order('higher')).toEqual([1, 4, 3, 0, 2]);
  expect(order('lower')).toEqual([3, 1, 4, 0, 2]);
});

const space = {
  rate: parameterSchema.parse({ low: 0, high: 10 }),
  kind: parameterSchema.parse({ choices: ['a', ['b']] }),
  rare: parameterSchema.parse({ low: 0, high: 1 }),
};

test('importance: rank correlation, worked out by hand', () => {
  // Ranks of rate 1..8; of value 2 1 4 3 6 5 8 7: squared differences are 1 each, so rho = 1 - 6 * 8 / (8 * 63) = 0.904762.
  // Value ranks of "a" (the odd ones) are 2 4 6 8, of ["b"] 1 3 5 7: means 5 and 4 around 4.5, so between 8 * 0.25 = 2 of 42.
  const values = [0.2, 0.1, 0.4, 0.3, 0.6, 0.5, 0.8, 0.7];
  const records = values.map((value, i) =>
    record(i, value, { parameters: { rate: i * i, kind: i % 2 === 0 ? 'a' : ['b'], ...(i < 3 && { rare: i }) } }),
  );
  const [rate, kind, ...rest] = importances(
    [...records, record(8, null, { parameters: { rate: 1, kind: 'a' } })],
    space,
    'higher',
  );
  expect(rate).toMatchObject({ path: 'rate', better: 'higher', trials: 8 });
  expect(rate.strength).toBeCloseTo(0.904762, 6);
  expect(kind).toMatchObject({ path: 'kind', better: { choice: 'a' }, trials: 8 });
  expect(kind.strength).toBeCloseTo(Math.sqrt(2 / 42), 12);
  expect(rest).toEqual([]); // three trials say nothing
  expect(importances(records, space, 'lower')[0]).toMatchObject({ path: 'rate', better: 'lower' });
});
