import { expect, test } from 'vitest';
import { tryMutations } from './mutations.ts';

test('2,000 configurations changed at random are used, or refused by a code', async () => {
  const understood = await tryMutations(Array.from({ length: 2000 }, (_, i) => i));
  expect(understood).toBeGreaterThan(100);
});
