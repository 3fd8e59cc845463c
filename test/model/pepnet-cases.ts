/** PEPNet for the contract of models. */
import fc from 'fast-check';
import type { ModelCases, Owner } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

const FIELDS = ['user', 'item', 'author', 'hour'];

/** A scenario has its embedding and, of product heads, its towers. */
const scenarioOwner: Owner = (setup, parameter, index) => {
  const product = 'heads' in setup.options && setup.options.heads === 'product';
  return ownHead(product ? ['scenario.embedding', 'tower'] : ['scenario.embedding'])(setup, parameter, index);
};

export const PEPNET_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks, user and author as prior',
      options: {
        embeddingDim: 3,
        taskDims: [9, 8],
        gateDim: 7,
        scenarioDim: 3,
        inputFields: ['user', 'item', 'hour'],
        priorFields: ['user', 'author'],
      },
      sizes: { fields: 4, scenarios: 3, tasks: 2, fieldNames: FIELDS },
    },
    {
      title: 'a tower for each task and scenario, dropout, every field as prior',
      options: { embeddingDim: 4, taskDims: [9], towerDims: [8], scenarioDim: 2, heads: 'product', dropout: 0.2 },
      sizes: { fields: 2, scenarios: 2, tasks: 2 },
    },
  ],
  scenarioOwner,
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      taskDims: smallWidths(0, 2),
      gateDim: fc.integer({ min: 0, max: 4 }),
      towerDims: smallWidths(0, 1),
      scenarioDim: fc.integer({ min: 1, max: 4 }),
      heads: fc.constantFrom('product', 'shared'),
    })
    .chain((options) =>
      smallSizes.chain((sizes) => {
        const fieldNames = FIELDS.slice(0, sizes.fields);
        const some = fc.subarray(fieldNames);
        return fc
          .record({ inputFields: some, priorFields: some })
          .map((named) => ({ options: { ...options, ...named }, sizes: { ...sizes, fieldNames } }));
      }),
    ),
};
