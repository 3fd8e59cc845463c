/** M2M for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const M2M_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks',
      options: {
        embeddingDim: 4,
        experts: 3,
        width: 4,
        scenarioWidth: 5,
        towerLayers: 2,
        towerDims: [8],
        scenarioDim: 3,
        taskDim: 3,
      },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'deep meta units, one activation a residual, dropout, no hidden tower layer',
      options: {
        embeddingDim: 5,
        experts: 2,
        width: 5,
        scenarioWidth: 4,
        attentionDepth: 2,
        towerDepth: 2,
        towerInnerActivation: false,
        towerDims: [],
        scenarioDim: 2,
        taskDim: 2,
        dropout: 0.1,
      },
      sizes: { fields: 2, scenarios: 2, tasks: 1 },
    },
  ],
  scenarioOwner: ownHead(['scenario.embedding']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      experts: fc.integer({ min: 1, max: 3 }),
      width: fc.integer({ min: 1, max: 4 }),
      scenarioWidth: fc.integer({ min: 1, max: 4 }),
      attentionDepth: fc.integer({ min: 1, max: 2 }),
      towerLayers: fc.integer({ min: 0, max: 2 }),
      towerDepth: fc.integer({ min: 1, max: 2 }),
      towerInnerActivation: fc.boolean(),
      towerDims: smallWidths(0, 2),
      scenarioDim: fc.integer({ min: 1, max: 3 }),
      taskDim: fc.integer({ min: 1, max: 3 }),
      heads: fc.constantFrom('product', 'shared'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
