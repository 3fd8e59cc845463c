/** AESM² for the contract of models. */
import fc from 'fast-check';
import type { Aesm2Options } from '../../src/model/zoo/aesm2/options.ts';
import type { ModelCases, Owner } from './contract.ts';
import { smallSizes, smallWidths } from './zoo.ts';

/** All gates decide what is specific, so only the embeddings of scenarios are their own: where a level has a node for each. */
const scenarioOwner: Owner = ({ options, sizes }, parameter, index) => {
  const { scenarioTree, scenarioDim } = options as Aesm2Options;
  const levels = scenarioTree.length > 0 ? scenarioTree : [Array.from({ length: sizes.scenarios }, (_, s) => s)];
  const leaves = levels.at(-1) as number[];
  if (parameter !== `scenarioEmbedding.${levels.length - 1}` || new Set(leaves).size < sizes.scenarios)
    return undefined;
  return leaves.indexOf(Math.floor(index / scenarioDim));
};

const layers = fc
  .record({
    layers: fc.integer({ min: 1, max: 2 }),
    experts: fc.integer({ min: 1, max: 4 }),
    expertDims: smallWidths(1, 2),
  })
  .chain((sizes) => {
    const k = fc.integer({ min: 1, max: sizes.experts });
    return fc.record({ kSpecific: k, kShared: k }).map((chosen) => ({ ...sizes, ...chosen }));
  });

/** One level or two: each scenario in a node of its own, above it in nodes of any. */
const trees = (scenarios: number) =>
  fc
    .array(fc.array(fc.integer({ min: 0, max: 3 }), { minLength: scenarios, maxLength: scenarios }), { maxLength: 1 })
    .map((above) => [...above.map(numbered), Array.from({ length: scenarios }, (_, s) => scenarios - 1 - s)]);

/** Nodes in the order of their first scenario. */
const numbered = (nodes: number[]): number[] => {
  const found = [...new Set(nodes)];
  return nodes.map((node) => found.indexOf(node));
};

export const AESM2_CASES: ModelCases = {
  cases: [
    {
      title: 'three scenarios, two tasks, noise',
      options: {
        embeddingDim: 4,
        scenarioDim: 2,
        taskDim: 3,
        scenarioLayers: [{ layers: 2, experts: 3, expertDims: [9] }],
        taskLayers: { experts: 3, expertDims: [9] },
        towerDims: [9],
      },
      sizes: { fields: 4, scenarios: 3, tasks: 2 },
    },
    {
      title: 'one scenario, one task, every expert chosen, no tower',
      options: {
        embeddingDim: 6,
        scenarioDim: 1,
        taskDim: 1,
        scenarioLayers: [{ layers: 1, experts: 2, expertDims: [9] }],
        taskLayers: { experts: 2, expertDims: [9] },
        towerDims: [],
        noise: 0,
      },
      sizes: { fields: 1, scenarios: 1, tasks: 1 },
    },
    {
      title: 'a tree of two levels, two task layers, batch norm on experts, dropout, noise in the weights',
      options: {
        embeddingDim: 4,
        scenarioDim: 2,
        taskDim: 2,
        scenarioTree: [
          [0, 0, 1],
          [1, 0, 2],
        ],
        scenarioLayers: [
          { layers: 1, experts: 3, kShared: 1, expertDims: [8] },
          { layers: 1, experts: 4, expertDims: [9] },
        ],
        taskLayers: { layers: 2, experts: 3, expertDims: [8] },
        towerDims: [6],
        expertNorm: 'batch',
        noiseScope: 'all',
        dropout: 0.1,
      },
      sizes: { fields: 3, scenarios: 3, tasks: 3 },
    },
  ],
  scenarioOwner,
  anySizes: fc
    .record({
      embeddingDim: fc.integer({ min: 1, max: 4 }),
      scenarioDim: fc.integer({ min: 1, max: 3 }),
      taskDim: fc.integer({ min: 1, max: 3 }),
      scenarioLayers: fc.array(layers, { minLength: 1, maxLength: 1 }),
      taskLayers: layers,
      towerDims: smallWidths(0, 2),
      noise: fc.constantFrom(0, 0.3),
      noiseScope: fc.constantFrom('select', 'all'),
      maskMode: fc.constantFrom('select', 'multiply'),
      expertNorm: fc.constantFrom('none', 'batch'),
      gateNorm: fc.constantFrom('none', 'batch'),
    })
    .chain((options) =>
      smallSizes.chain((sizes) =>
        trees(sizes.scenarios).map((scenarioTree) => ({ options: { ...options, scenarioTree }, sizes })),
      ),
    ),
};
