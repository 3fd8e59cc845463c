/** Single task for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const SINGLE_TASK_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks, own tables',
      options: { embeddingDim: 3, bottomDims: [8, 8], towerDims: [6] },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one table, batch norm, dropout, no hidden tower layer',
      options: { embeddingDim: 4, sharedEmbedding: true, bottomDims: [9], towerDims: [], norm: 'batch', dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, tasks: 2 },
    },
  ],
  scenarioOwner: ownHead(['bottom', 'tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 3 }),
      bottomDims: smallWidths(1, 2),
      towerDims: smallWidths(0, 2),
      sharedEmbedding: fc.boolean(),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
