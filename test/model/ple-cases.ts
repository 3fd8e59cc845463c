/** PLE for the contract of models. */

import fc from 'fast-check';
import { networkOf } from '../../src/model/network.ts';
import type { ModelCases, Owner } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

/**
 * Towers, the last level's own experts, and gates that lead to these alone. What an earlier level makes for one head reaches the
 * others by way of the shared experts.
 */
const owner: Owner = (setup, parameter, index) => {
  const { levels, specificExperts } = setup.options as unknown as { levels: number[][]; specificExperts: number };
  const last = levels.length - 1;
  const own = ownHead(['tower', `level.${last}.gate`, `level.${last - 1}.gate`])(setup, parameter, index);
  if (own !== undefined || !parameter.startsWith(`level.${last}.specific.`)) return own;
  const { model, options, sizes } = setup;
  const [count, ...shape] =
    networkOf(model, options, sizes).parameters.find(({ name }) => name === parameter)?.shape ?? [];
  const member = Math.floor(index / shape.reduce((product, n) => product * n, 1));
  expectHeads(count, specificExperts * sizes.tasks * sizes.scenarios);
  return Math.floor(member / specificExperts) % sizes.scenarios;
};

function expectHeads(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${found} own experts, expected ${expected}`);
}

export const PLE_CASES: ModelCases = {
  cases: [
    {
      title: 'two levels, two own experts, two scenarios',
      options: { embeddingDim: 3, levels: [[7], [6]], specificExperts: 2, sharedExperts: 1, towerDims: [5] },
      sizes: { fields: 3, scenarios: 2, tasks: 2 },
    },
    {
      title: 'one level (CGC), deep experts, batch norm, dropout, three tasks',
      options: {
        embeddingDim: 4,
        levels: [[8, 8]],
        sharedExperts: 2,
        towerDims: [],
        norm: 'batch',
        dropout: 0.2,
      },
      sizes: { fields: 3, scenarios: 2, tasks: 3 },
    },
  ],
  scenarioOwner: owner,
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 3 }),
      levels: fc.array(smallWidths(1, 2), { minLength: 1, maxLength: 3 }),
      specificExperts: fc.integer({ min: 1, max: 3 }),
      sharedExperts: fc.integer({ min: 1, max: 3 }),
      towerDims: smallWidths(0, 1),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
