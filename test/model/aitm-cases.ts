/** AITM for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

export const AITM_CASES: ModelCases = {
  cases: [
    {
      title: 'three ordered tasks, calibrated, towers for each of two scenarios',
      options: { embeddingDim: 5, bottomDims: [9, 8], towersPerScenario: true },
      sizes: { fields: 3, scenarios: 2, tasks: 3, orderedTasks: true },
    },
    {
      title: 'batch norm, dropout, towers for each of two scenarios, no order',
      options: { embeddingDim: 4, bottomDims: [9], towersPerScenario: true, norm: 'batch', dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, tasks: 2 },
    },
  ],
  scenarioOwner: ownHead(['tower']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 3 }),
      bottomDims: smallWidths(1, 2),
      towerDims: smallWidths(0, 2),
      towersPerScenario: fc.boolean(),
      calibratorWeight: fc.constantFrom('auto', 0, 0.3),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
