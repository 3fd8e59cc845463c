import { test } from 'vitest';
import { artifact, serving } from '../support.ts';
import { fuzz, NARROW } from './fuzz.ts';

test('1,200 generated requests from another seed, to a model with sequences, too, with wide and narrow limits', async () => {
  for (const sequences of [false, true])
    for (const limits of [{}, NARROW]) await fuzz(await serving([artifact({ sequences }).folder], limits), 300, 20_260);
});
