import { test } from 'vitest';
import { fuzz } from './fuzz.ts';
import { artifact, serving } from './support.ts';

/** TRIBUTARY_FUZZ=50000 for a long look. */
const RUNS = Number(process.env.TRIBUTARY_FUZZ ?? 2000);

test(`${RUNS} generated requests from another seed, to a model with sequences, too`, {
  timeout: 3_600_000,
}, async () => {
  for (const sequences of [false, true]) {
    const statuses = await fuzz(await serving([artifact({ sequences }).folder]), RUNS / 2, 20_260);
    console.log(JSON.stringify({ sequences, statuses }));
  }
});
