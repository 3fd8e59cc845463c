import { expect, test } from 'vitest';
import { DAY_MS, dateOf, durationOf, isDate, startOfDay } from '../../src/base/times.ts';

test('lengths of time have a unit', () => {
  expect(['30s', '2m', '1.5h', '7d', '0s'].map(durationOf)).toEqual([30_000, 120_000, 5_400_000, 604_800_000, 0]);
  for (const text of ['', '2', 'm', '2 m', '-1m', '2min', '1e3s', 'Infinitys', '.5h'])
    expect(durationOf(text)).toBe(undefined);
});

test('a day of the calendar, from its midnight to the last millisecond', () => {
  const start = Date.UTC(2024, 1, 29);
  expect(startOfDay('2024-02-29')).toBe(start);
  expect([start - 1, start, start + DAY_MS - 1, start + DAY_MS].map(dateOf)).toEqual([
    '2024-02-28',
    '2024-02-29',
    '2024-02-29',
    '2024-03-01',
  ]);
  for (const text of ['2023-02-29', '2024-2-29', '2024-02-29T00', '2024-13-01', '']) expect(isDate(text)).toBe(false);
  expect(isDate('2024-02-29')).toBe(true);
});
