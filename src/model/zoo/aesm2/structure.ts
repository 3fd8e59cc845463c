/** What AESM² consists of: the scenario tree, the layers with their sizes, parameters and moving averages. */
import type { BufferSpec, ModelSizes, ParameterSpec } from '../../contract.ts';
import { towerParameters } from '../../layers/heads.ts';
import { batchNormBuffers, type Norm, normParameters } from '../../layers/norms/norm.ts';
import type { Aesm2Options, LayersOptions } from './options.ts';

export interface Level {
  /** The node of each scenario. */
  nodes: readonly number[];
  /** S_l, how many nodes the level has. */
  count: number;
  layers: Layer[];
}

export interface Layer extends Omit<LayersOptions, 'layers'> {
  /** `scenario.<level>.<i>` or `task.<i>`: begins the names of its parameters. */
  name: string;
  /** G, one gate for each node of its level or each task. */
  gates: number;
  /** Width of what the experts read. */
  inputs: number;
  /** Width of the embeddings that the gates read besides. */
  indicators: number;
}

export interface Structure {
  levels: Level[];
  taskLayers: Layer[];
}

/** Layers from the embeddings to the towers; each reads what the one before it has made. */
export function structureOf(options: Aesm2Options, sizes: ModelSizes): Structure {
  const { scenarioDim, taskDim, scenarioLayers, taskLayers } = options;
  let inputs = sizes.fields * options.embeddingDim;
  const stacked = (name: string, gates: number, indicators: number, { layers, ...rest }: LayersOptions): Layer[] =>
    range(layers).map((i) => {
      const layer = { ...rest, name: `${name}.${i}`, gates, inputs, indicators };
      inputs = rest.expertDims.at(-1) as number;
      return layer;
    });
  const tree = treeOf(options, sizes);
  const levels = tree.map((nodes, l) => {
    const count = nodeCount(nodes);
    const layers = stacked(`scenario.${l}`, count, (l + 1) * scenarioDim, scenarioLayers[l] ?? scenarioLayers[0]);
    return { nodes, count, layers };
  });
  const indicators = tree.length * scenarioDim + taskDim;
  return { levels, taskLayers: stacked('task', sizes.tasks, indicators, taskLayers) };
}

const treeOf = ({ scenarioTree }: Aesm2Options, { scenarios }: ModelSizes): number[][] =>
  scenarioTree.length === 0 ? [range(scenarios)] : scenarioTree;

export const nodeCount = (nodes: readonly number[]): number => Math.max(...nodes) + 1;

/** A tree that is none of these scenarios, or layers for other levels than it has. */
export function structureProblems(options: Aesm2Options, sizes: ModelSizes): { path: string; message: string }[] {
  const tree = treeOf(options, sizes);
  const levels = tree.flatMap((nodes, l) => {
    const path = `model.scenarioTree.${l}`;
    if (nodes.length !== sizes.scenarios)
      return [{ path, message: `expected a node for each of the ${sizes.scenarios} scenarios, found ${nodes.length}` }];
    const missing = range(nodeCount(nodes)).filter((node) => !nodes.includes(node));
    return missing.length === 0 ? [] : [{ path, message: `no scenario has node ${missing.join(', ')}` }];
  });
  const { length } = options.scenarioLayers;
  const layers = {
    path: 'model.scenarioLayers',
    message: `expected 1 entry or ${tree.length}, one a level, found ${length}`,
  };
  return length === 1 || length === tree.length ? levels : [...levels, layers];
}

export function parameters(options: Aesm2Options, sizes: ModelSizes): ParameterSpec[] {
  const { levels, taskLayers } = structureOf(options, sizes);
  const { scenarioDim, taskDim, towerDims } = options;
  const inputs = taskLayers.at(-1)?.expertDims.at(-1) as number;
  return [
    ...levels.map(({ count }, l) => embedding(`scenarioEmbedding.${l}`, count, scenarioDim)),
    embedding('taskEmbedding', sizes.tasks, taskDim),
    ...allLayers({ levels, taskLayers }).flatMap((layer) => layerParameters(layer, options)),
    ...towerParameters('tower', { count: sizes.tasks, inputs, dims: towerDims }),
  ];
}

export const buffers = (options: Aesm2Options, sizes: ModelSizes): BufferSpec[] =>
  allLayers(structureOf(options, sizes)).flatMap((layer) =>
    products(layer, options).flatMap(({ name, count, outputs, norm }) =>
      norm === 'batch' ? batchNormBuffers(`${name}.norm`, [count, outputs]) : [],
    ),
  );

export const allLayers = ({ levels, taskLayers }: Structure): Layer[] => [
  ...levels.flatMap(({ layers }) => layers),
  ...taskLayers,
];

const embedding = (name: string, count: number, width: number): ParameterSpec => ({
  name,
  shape: [count, width],
  initializer: { kind: 'normal', deviation: 0.05 },
  group: 'weight',
});

/** Xavier-uniform kernels, member by member. With a batch norm a product has no bias: the norm's shift is one. */
const layerParameters = (layer: Layer, options: Aesm2Options): ParameterSpec[] =>
  products(layer, options).flatMap(({ name, count, inputs, outputs, norm }) => [
    {
      name: `${name}.kernel`,
      shape: [count, inputs, outputs],
      initializer: { kind: 'uniform', bound: Math.sqrt(6 / (inputs + outputs)) },
      group: 'weight',
    },
    ...(norm === 'batch'
      ? normParameters(`${name}.norm`, [count, outputs])
      : [{ name: `${name}.bias`, shape: [count, outputs], initializer: { kind: 'zeros' } as const, group: 'weight' }]),
  ]);

interface Product {
  name: string;
  /** Members of the stack: experts, or gates. */
  count: number;
  inputs: number;
  outputs: number;
  norm: Norm;
}

/** The stacks of dense products in a layer. */
const products = (layer: Layer, { expertNorm, gateNorm }: Aesm2Options): Product[] => {
  const { name, experts, expertDims, gates, inputs, indicators } = layer;
  return [
    ...expertDims.map((outputs, n) => ({
      name: `${name}.expert.${n}`,
      count: experts,
      inputs: n === 0 ? inputs : expertDims[n - 1],
      outputs,
      norm: expertNorm,
    })),
    { name: `${name}.gate`, count: gates, inputs: inputs + indicators, outputs: experts, norm: gateNorm },
  ];
};

export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);
