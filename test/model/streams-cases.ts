/** Streams for the contract of models. */
import fc from 'fast-check';
import type { ModelCases, Owner } from './contract.ts';
import { smallSizes, smallWidths } from './zoo.ts';

const FIELDS = ['user', 'item', 'hour', 'page'];

/** With everything open: a row of the biases, and the answers of flows 2 and 4 that are a scenario's own. */
const scenarioOwner: Owner = ({ sizes: { scenarios, tasks } }, parameter, index) => {
  if (parameter === 'bias') return Math.floor(index / tasks);
  if (parameter.startsWith('stream.1.out')) return Math.floor((index % (scenarios * tasks)) / tasks);
  if (parameter.startsWith('stream.3.out')) return index % scenarios;
  return undefined;
};

/** A table that opens each cell and reads each field by the bits of a number. */
const tableOf = (bits: number, fieldNames: readonly string[], scenarios: number, tasks: number) => ({
  fields: [0, 1, 2, 3].map((k) => fieldNames.filter((_, i) => (bits >> (k + 4 * i)) & 1)),
  cells: [0, 1, 2, 3].map((k) =>
    Array.from({ length: scenarios }, (_, s) =>
      Array.from({ length: tasks }, (_, t) => (bits >> (k + 3 * s + 5 * t)) & 1),
    ),
  ),
});

const OPEN = [
  [1, 1],
  [1, 1],
];

export const STREAMS_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks, everything open',
      options: { embeddingDim: 3, sharedDims: [9, 8], specificDims: [7], flows: 'open' },
      sizes: { fields: 3, scenarios: 3, tasks: 2 },
    },
    {
      title: 'dropout, linear specific streams',
      options: { embeddingDim: 4, sharedDims: [9], specificDims: [], dropout: 0.2, flows: 'open' },
      sizes: { fields: 2, scenarios: 2, tasks: 2, fieldNames: FIELDS.slice(0, 2) },
    },
    {
      title: 'each flow reads fields of its own, two of them the same',
      options: {
        embeddingDim: 3,
        sharedDims: [6],
        specificDims: [5],
        flows: {
          fields: [['user', 'item'], ['hour'], ['user', 'item'], ['item', 'page']],
          cells: [OPEN, OPEN, OPEN, OPEN],
        },
      },
      sizes: { fields: 4, scenarios: 2, tasks: 2, fieldNames: FIELDS },
    },
  ],
  scenarioOwner,
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      sharedDims: smallWidths(0, 2),
      specificDims: smallWidths(0, 2),
      bits: fc.option(fc.nat(2 ** 29 - 1).map((n) => 2 * n + 1)), // flow 1 reads the first field, in the first cell
    })
    .chain(({ bits, ...options }) =>
      smallSizes.map((sizes) => {
        const fieldNames = FIELDS.slice(0, sizes.fields);
        const flows = bits === null ? 'open' : tableOf(bits, fieldNames, sizes.scenarios, sizes.tasks);
        return { options: { ...options, flows }, sizes: { ...sizes, fieldNames } };
      }),
    ),
};
