/** Selected graphs of every model, in all of its cases, and of AutoIFS at many sizes and patterns of gates. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CommonOptions, ModelDefinition } from '../../src/model/contract.ts';
import { models } from '../../src/model/registry.ts';
import { AUTOIFS_CASES } from '../model/autoifs-cases.ts';
import { CASES } from '../model/every-case.ts';
import { holds, ROWS, withGates } from './holds.ts';
import { rowsFor, servedOf, servingGraph } from './served.ts';

type Model = ModelDefinition<CommonOptions>;

describe.each(Object.entries(CASES))('%s answers as before', (key, { cases }) => {
  test.each(cases)('$title', async ({ options, sizes }) => {
    const served = servedOf(models.get(key) as Model, options, sizes);
    for (const graph of await holds(served, rowsFor(served, ROWS)))
      expect(graph.multiplyAdds).toBeLessThanOrEqual(servingGraph(served).multiplyAdds);
  });
});

test('AutoIFS of any size answers as before, whichever gates are constant', async () => {
  const pattern = fc.array(fc.constantFrom<0 | 1 | null>(0, 1, null), { minLength: 1, maxLength: 16 });
  await fc.assert(
    fc.asyncProperty(AUTOIFS_CASES.anySizes, pattern, fc.nat(1000), async ({ options, sizes }, gates, seed) => {
      const served = withGates(servedOf(models.get('autoifs') as Model, options, sizes, seed), gates);
      await holds(served, rowsFor(served, ROWS, seed));
    }),
    { numRuns: 8 },
  );
});
