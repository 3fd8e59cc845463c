/** ESMM for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

const pair = { tasks: 2, orderedTasks: true };

export const ESMM_CASES: ModelCases = {
  cases: [
    {
      title: 'towers for each of three scenarios',
      options: { embeddingDim: 4, towerDims: [9, 9], heads: 'product' },
      sizes: { fields: 4, scenarios: 3, ...pair },
    },
    {
      title: 'batch norm, dropout, towers for each of two scenarios',
      options: { embeddingDim: 4, towerDims: [9, 9], heads: 'product', norm: 'batch', dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, ...pair },
    },
  ],
  scenarioOwner: ownHead(['tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      towerDims: smallWidths(0, 2),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes: { ...sizes, ...pair } }))),
};
