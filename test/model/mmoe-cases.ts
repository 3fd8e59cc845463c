/** MMoE for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const MMOE_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: { embeddingDim: 4, experts: 3, expertDims: [9, 9], towerDims: [8] },
      sizes: { fields: 4, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one scenario, one task, no hidden tower layer',
      options: { embeddingDim: 6, experts: 2, expertDims: [9], towerDims: [] },
      sizes: { fields: 1, scenarios: 1, tasks: 1 },
    },
    {
      title: 'batch norm, dropout, three tasks',
      options: { embeddingDim: 3, experts: 2, expertDims: [8, 8], towerDims: [8], norm: 'batch', dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, tasks: 3 },
    },
  ],
  scenarioOwner: ownHead(['gate', 'tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      experts: fc.integer({ min: 1, max: 4 }),
      expertDims: smallWidths(1, 2),
      towerDims: smallWidths(0, 2),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
