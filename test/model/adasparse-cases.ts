/** AdaSparse for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { ownHead, smallSizes, smallWidths } from './zoo.ts';

/** No share of few neurons: at a bound of the range itself rounding would decide whether there is a penalty. */
const BOUNDS = [0.19, 0.27];

export const ADASPARSE_CASES: ModelCases = {
  cases: [
    {
      title: 'fusion, three scenarios, two tasks',
      options: { embeddingDim: 4, dims: [9, 9], scenarioDim: 3 },
      sizes: { fields: 4, scenarios: 3, tasks: 2 },
    },
    {
      title: 'factors of 0 or 1, one layer, penalised sparsity',
      options: {
        embeddingDim: 6,
        dims: [9],
        scenarioDim: 2,
        form: 'binarisation',
        epsilon: 0.3,
        sparsityWeight: 0.01,
        sparsityRange: BOUNDS,
      },
      sizes: { fields: 2, scenarios: 2, tasks: 1 },
    },
    {
      title: 'scaling, batch norm, dropout, product heads',
      options: {
        embeddingDim: 3,
        dims: [9, 8],
        scenarioDim: 2,
        form: 'scaling',
        epsilon: 0.2,
        norm: 'batch',
        dropout: 0.2,
        heads: 'product',
      },
      sizes: { fields: 3, scenarios: 2, tasks: 2 },
    },
  ],
  scenarioOwner: ownHead(['scenario.embedding']),
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      dims: smallWidths(1, 3),
      scenarioDim: fc.integer({ min: 1, max: 4 }),
      form: fc.constantFrom('binarisation', 'scaling', 'fusion'),
      epsilon: fc.constantFrom(0, 0.01, 0.45),
      sparsityWeight: fc.constantFrom(0, 0.1),
      sparsityRange: fc.constant(BOUNDS),
      heads: fc.constantFrom('shared', 'product'),
      norm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) => smallSizes.map((sizes) => ({ options, sizes }))),
};
