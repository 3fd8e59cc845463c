/** Shared bottom for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const SHARED_BOTTOM_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: { embeddingDim: 5, bottomDims: [9], towerDims: [8] },
      sizes: { fields: 4, scenarios: 3, tasks: 2 },
    },
    {
      title: 'batch norm, dropout, no hidden tower layer',
      options: { embeddingDim: 4, bottomDims: [9], towerDims: [], norm: 'batch', dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, tasks: 3 },
    },
  ],
  scenarioOwner: ownHead(['tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      bottomDims: smallWidths(1, 2),
      towerDims: smallWidths(0, 2),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
