/** Cross-stitch for the contract of models. */
import fc from 'fast-check';
import type { ModelCases, Owner } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

/** Towers, and what the last units make for one head. What earlier layers make for it reaches the others by way of the units. */
const owner: Owner = (setup, parameter, index) => {
  const { bottomDims } = setup.options as unknown as { bottomDims: number[] };
  return ownHead(['tower', `stitch.${bottomDims.length - 1}`])(setup, parameter, index);
};

export const CROSS_STITCH_CASES: ModelCases = {
  cases: [
    {
      title: 'two layers, three scenarios, two tasks',
      options: { embeddingDim: 4, bottomDims: [8, 7], towerDims: [5] },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one layer, batch norm, dropout, no hidden tower layer, three tasks',
      options: { embeddingDim: 4, bottomDims: [9], towerDims: [], ownShare: 0.5, norm: 'batch', dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, tasks: 3 },
    },
  ],
  scenarioOwner: owner,
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 3 }),
      bottomDims: smallWidths(1, 3),
      towerDims: smallWidths(0, 2),
      ownShare: fc.constantFrom(0, 0.5, 0.9, 1),
      heads: fc.constantFrom('product', 'shared'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
