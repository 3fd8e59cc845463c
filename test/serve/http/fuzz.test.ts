import { expect, test } from 'vitest';
import { artifact, serving } from '../support.ts';
import { fuzz, NARROW } from './fuzz.ts';

test('generated requests: no fault, no stack trace, always a code', async () => {
  const statuses = await fuzz(await serving([artifact().folder], { log: { level: 'error' } }), 240, 1);
  expect(statuses[200]).toBeGreaterThan(5); // near enough to right ones that some are
  expect(statuses[400]).toBeGreaterThan(50);
});

test('generated requests that reach the limits: 503 at most', async () => {
  const statuses = await fuzz(await serving([artifact().folder], NARROW), 240, 2);
  expect(statuses[413]).toBeGreaterThan(5);
});
