/** What AESM² consists of: the scenario tree, and the layers with their sizes. */
import type { ModelSizes, Problem } from '../../contract.ts';
import { inputWidth } from '../../layers/fields.ts';
import { last, times } from '../../layers/layer.ts';
import { problemIf } from '../../options.ts';
import type { Aesm2Options, LayersOptions } from './options.ts';

export interface Level {
  /** The node of each scenario. */
  nodes: readonly number[];
  /** S_l, how many nodes the level has. */
  count: number;
  layers: LayerSizes[];
}

export interface LayerSizes extends Omit<LayersOptions, 'layers'> {
  /** `scenario.<level>.<i>` or `task.<i>`: begins the names of its parameters. */
  name: string;
  /** G, one gate for each node of its level or each task. */
  gates: number;
  /** Width of what the experts read. */
  inputs: number;
  /** Width of the embeddings that the gates read besides. */
  indicators: number;
}

/** Layers from the embeddings to the towers; each reads what the one before it has made. */
export function structureOf(options: Aesm2Options, sizes: ModelSizes): { levels: Level[]; taskLayers: LayerSizes[] } {
  const { scenarioDim, taskDim, scenarioLayers, taskLayers } = options;
  let inputs = inputWidth(options, sizes);
  const stacked = (name: string, gates: number, indicators: number, { layers, ...rest }: LayersOptions): LayerSizes[] =>
    times(layers, (i) => {
      const layer = { ...rest, name: `${name}.${i}`, gates, inputs, indicators };
      inputs = last(rest.expertDims);
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
  scenarioTree.length === 0 ? [times(scenarios, (s) => s)] : scenarioTree;

export const nodeCount = (nodes: readonly number[]): number => Math.max(...nodes) + 1;

/** A tree that is none of these scenarios, or layers for other levels than it has. */
export function structureProblems(options: Aesm2Options, sizes: ModelSizes): Problem[] {
  const tree = treeOf(options, sizes);
  const levels = tree.flatMap((nodes, l) => {
    const path = `model.scenarioTree.${l}`;
    if (nodes.length !== sizes.scenarios)
      return [{ path, message: `expected a node for each of the ${sizes.scenarios} scenarios, found ${nodes.length}` }];
    const missing = times(nodeCount(nodes), (node) => node).filter((node) => !nodes.includes(node));
    return problemIf(missing.length > 0, path, `no scenario has node ${missing.join(', ')}`);
  });
  const { length } = options.scenarioLayers;
  const message = `expected 1 entry or ${tree.length}, one a level, found ${length}`;
  return [...levels, ...problemIf(length !== 1 && length !== tree.length, 'model.scenarioLayers', message)];
}
