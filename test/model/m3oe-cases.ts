/** M3oE for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const M3OE_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: { embeddingDim: 4, starDim: 7, fusedDim: 6, experts: 3, expertDims: [5] },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one task, two layers of experts, dropout',
      options: { embeddingDim: 5, starDim: 6, fusedDim: 7, experts: 2, expertDims: [6, 5], dropout: 0.1 },
      sizes: { fields: 2, scenarios: 2, tasks: 1 },
    },
  ],
  scenarioOwner: ownHead(['star.0.own', 'gate', 'tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      starDim: fc.integer({ min: 1, max: 5 }),
      fusedDim: fc.integer({ min: 2, max: 5 }),
      experts: fc.integer({ min: 1, max: 3 }),
      expertDims: smallWidths(1, 2),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
