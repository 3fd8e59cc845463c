import { expect, test } from 'vitest';
import { tryMutations } from './mutations.ts';

test('configurations changed at random are used, or refused by a code', async () => {
  // All 2,000 of them: mutations.long.test.ts.
  const understood = await tryMutations(Array.from({ length: 80 }, (_, i) => i * 25));
  expect(understood).toBeGreaterThan(0);
}, 60_000);
