/** STAR for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const STAR_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: { embeddingDim: 4, starDims: [9, 8], sideDims: [8], scenarioDim: 3 },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one task as published, dropout, linear side network',
      options: { embeddingDim: 5, starDims: [9], sideDims: [], scenarioDim: 2, dropout: 0.2 },
      sizes: { fields: 2, scenarios: 2, tasks: 1 },
    },
  ],
  scenarioOwner: ownHead(['scenario.embedding', 'norm.scenario', 'star.0.own', 'star.1.own', 'star.2.own']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      starDims: smallWidths(0, 2),
      sideDims: smallWidths(0, 2),
      scenarioDim: fc.integer({ min: 1, max: 4 }),
      heads: fc.constantFrom('product', 'shared'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
