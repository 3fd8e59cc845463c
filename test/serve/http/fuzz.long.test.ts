import { expect, test } from 'vitest';
import { artifact, serving } from '../support.ts';
import { fuzz, NARROW } from './fuzz.ts';

/** TRIBUTARY_FUZZ_SEED for other requests. */
const SEED = Number(process.env.TRIBUTARY_FUZZ_SEED ?? 1);

test.each([
  { name: 'a model', sequences: false, limits: {} },
  { name: 'a model with sequences', sequences: true, limits: {} },
  { name: 'a model, narrow limits', sequences: false, limits: NARROW },
  { name: 'a model with sequences, narrow limits', sequences: true, limits: NARROW },
])('12,500 generated requests to $name: no fault', async ({ sequences, limits }) => {
  const statuses = await fuzz(await serving([artifact({ sequences }).folder], limits), 12_500, SEED);
  console.log(JSON.stringify({ sequences, limits, statuses }));
  expect(statuses[200]).toBeGreaterThan(100);
});
