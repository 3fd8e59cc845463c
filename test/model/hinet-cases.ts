/** HiNet for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const HINET_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: {
        embeddingDim: 4,
        scenarioDim: 2,
        subExpertDims: [6],
        sharedSubExperts: 3,
        specificSubExperts: 2,
        expertDims: [6],
        specificExperts: 2,
        towerDims: [6],
      },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'batch norm, dropout, one task',
      options: {
        embeddingDim: 5,
        scenarioDim: 2,
        subExpertDims: [6, 7],
        sharedSubExperts: 2,
        specificSubExperts: 2,
        expertDims: [8],
        towerDims: [],
        norm: 'batch',
        dropout: 0.1,
      },
      sizes: { fields: 2, scenarios: 2, tasks: 1 },
    },
  ],
  scenarioOwner: ownHead(['scenario.embedding', 'task.specific', 'task.gate', 'tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 3 }),
      scenarioDim: fc.integer({ min: 1, max: 2 }),
      subExpertDims: smallWidths(1, 2),
      sharedSubExperts: fc.integer({ min: 1, max: 3 }),
      specificSubExperts: fc.integer({ min: 1, max: 2 }),
      expertDims: smallWidths(1, 2),
      sharedExperts: fc.integer({ min: 1, max: 3 }),
      specificExperts: fc.integer({ min: 1, max: 2 }),
      towerDims: smallWidths(0, 2),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
