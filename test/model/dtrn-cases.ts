/** DTRN for the contract of models. */
import fc from 'fast-check';
import type { ModelCases } from './contract.ts';
import { smallSizes, smallWidths } from './zoo.ts';

const narrow = { embeddingDim: 4, ffnDim: 4, conditionDim: 2, hyperDim: 4 };

const heads = fc.constantFrom('product', 'shared');
const towerDims = smallWidths(0, 1);
const tops = fc.oneof(
  fc.record({ key: fc.constant('tower'), towerDims: smallWidths(0, 2) }),
  fc.record({
    key: fc.constant('mmoe'),
    experts: fc.integer({ min: 1, max: 3 }),
    expertDims: smallWidths(1, 2),
    towerDims,
    heads,
  }),
  fc.record({
    key: fc.constant('ple'),
    levels: fc.array(smallWidths(1, 2), { minLength: 1, maxLength: 2 }),
    specificExperts: fc.integer({ min: 1, max: 2 }),
    sharedExperts: fc.integer({ min: 1, max: 2 }),
    towerDims,
    heads,
  }),
  fc.record({
    key: fc.constantFrom('cross-stitch', 'shared-bottom', 'single-task'),
    bottomDims: smallWidths(1, 2),
    towerDims,
    heads,
  }),
);

export const DTRN_CASES: ModelCases = {
  cases: [
    {
      title: 'two tasks, three types, weighed by the target',
      options: { ...narrow, top: { key: 'tower', towerDims: [8] }, dropout: 0.2 },
      sizes: { fields: 3, scenarios: 2, tasks: 2, sequences: { types: 3, length: 2, itemField: 1 } },
    },
    {
      title: 'three tasks, one type, two blocks, means',
      options: {
        ...narrow,
        attentionHeads: 4,
        blocks: 2,
        positions: false,
        pooling: 'mean',
        squeeze: 'mean',
        refinementDim: 5,
        top: { key: 'tower', towerDims: [9] },
      },
      sizes: { fields: 2, scenarios: 1, tasks: 3, sequences: { types: 1, length: 2, itemField: 0 } },
    },
    {
      title: 'norms of scenarios, under MMoE',
      options: {
        ...narrow,
        scenarioConditioned: true,
        top: { key: 'mmoe', experts: 2, expertDims: [9], towerDims: [8], heads: 'product' },
      },
      sizes: { fields: 2, scenarios: 3, tasks: 2, sequences: { types: 2, length: 2, itemField: 0 } },
    },
    {
      title: 'no sequences, under PLE',
      options: {
        embeddingDim: 4,
        sequences: false,
        top: { key: 'ple', levels: [[8], [8]], specificExperts: 1, sharedExperts: 1, towerDims: [] },
      },
      sizes: { fields: 4, scenarios: 2, tasks: 2 },
    },
  ],
  scenarioOwner: 'it has some only under scenarioConditioned or with heads of scenarios; dtrn.test.ts looks at those',
  anySizes: fc
    .record({
      attentionHeads: fc.integer({ min: 1, max: 2 }),
      width: fc.integer({ min: 1, max: 2 }),
      sequences: fc.boolean(),
      positions: fc.boolean(),
      blocks: fc.integer({ min: 1, max: 2 }),
      ffnDim: fc.integer({ min: 1, max: 4 }),
      conditionDim: fc.integer({ min: 1, max: 3 }),
      hyperDim: fc.integer({ min: 1, max: 4 }),
      scenarioConditioned: fc.boolean(),
      pooling: fc.constantFrom('target', 'mean'),
      squeeze: fc.constantFrom('concat', 'mean'),
      top: tops,
    })
    .chain(({ width, ...options }) =>
      fc
        .record({ sizes: smallSizes, types: fc.integer({ min: 1, max: 3 }), length: fc.integer({ min: 1, max: 3 }) })
        .chain(({ sizes, types, length }) =>
          fc.integer({ min: 0, max: sizes.fields - 1 }).map((itemField) => ({
            options: { ...options, embeddingDim: width * options.attentionHeads },
            sizes: { ...sizes, sequences: { types, length, itemField } },
          })),
        ),
    ),
};
