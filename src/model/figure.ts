/**
 * A model's structure as a figure, drawn from its own graph: layers are named by the parameters they use, everything
 * between them is grouped by the layers that it brings together. Mermaid text, which code hosts and editors show.
 */
import { isOp, nodesBefore, type Tensor } from '../graph/index.ts';

/** Parameters by name, with their shapes. */
type Shapes = Map<string, readonly number[]>;

/** A box of the figure. */
interface Block {
  name: string;
  parameters: Shapes;
  /** Shape of what leaves it last. */
  shape: string;
  from: Set<string>;
}

/** Left to right, from inputs to `outputs`; `parameters` are the names of the graph's inputs that are parameters. */
export function figure(outputs: Record<string, Tensor>, parameters: ReadonlySet<string>): string {
  const blocks = blocksOf(nodesBefore(...Object.values(outputs)), parameters);
  const id = new Map([...blocks.keys()].map((key, i) => [key, `n${i}`]));
  const boxes = [...blocks].map(([key, block]) => `  ${id.get(key)}${box(block)}`);
  const arrow = (source: string, target: string): string => `  ${id.get(source)} --> ${id.get(target)}`;
  const arrows = [...blocks].flatMap(([key, { from }]) => [...from].map((source) => arrow(source, key)));
  return ['flowchart LR', ...boxes, ...arrows].join('\n');
}

/** Layers and what stands between them, by key, in the order in which a row goes through them. */
function blocksOf(nodes: readonly Tensor[], parameters: ReadonlySet<string>): Map<string, Block> {
  const blocks = new Map<string, Block>();
  /** The key of the block that a tensor belongs to; parameters and what is made of them alone belong to none yet. */
  const owner = new Map<Tensor, string>();
  /** Parameters that a tensor is made of, where it is made of nothing else. */
  const made = new Map<Tensor, Shapes>();
  for (const node of nodes) {
    const name = isOp(node, 'input') ? node.attributes.name : undefined;
    if (name !== undefined && !parameters.has(name)) {
      owner.set(node, name);
      blocks.set(name, { name, parameters: new Map(), shape: shapeText(node), from: new Set() });
      continue;
    }
    const used = new Map(node.inputs.flatMap((input) => [...(made.get(input) ?? [])]));
    if (name !== undefined) used.set(name, node.shape as number[]);
    const from = new Set(node.inputs.flatMap((input) => owner.get(input) ?? []));
    if (from.size === 0) made.set(node, used);
    else owner.set(node, place(node, used, from, blocks));
  }
  return blocks;
}

/** Puts a node into its block: that of its parameters, that of its only source, or one that brings its sources together. */
function place(node: Tensor, used: Shapes, from: ReadonlySet<string>, blocks: Map<string, Block>): string {
  const layer = [...new Set([...used.keys()].map(layerOf))].join(' + ');
  const [only] = from;
  const key = layer || (from.size === 1 ? only : joined(from));
  const block: Block = blocks.get(key) ?? { name: layer, parameters: new Map(), shape: '', from: new Set() };
  for (const [name, shape] of used) block.parameters.set(name, shape);
  for (const source of from) if (source !== key && !reaches(key, source, blocks)) block.from.add(source);
  if (!isInput(block)) block.shape = shapeText(node);
  blocks.set(key, block);
  return key;
}

/** `expert.0.kernel` and `expert.0.bias` are the layer `expert.0`. */
const layerOf = (parameter: string): string => parameter.split('.').slice(0, -1).join('.') || parameter;

const joined = (from: ReadonlySet<string>): string =>
  `join(${[...new Set([...from].flatMap((key) => key.replace(/^join\((.*)\)$/, '$1').split(' & ')))].sort().join(' & ')})`;

/** Whether `target` comes after `start`: an arrow back would close a circle. */
const reaches = (start: string, target: string, blocks: Map<string, Block>): boolean =>
  [...(blocks.get(target)?.from ?? [])].some((source) => source === start || reaches(start, source, blocks));

const isInput = ({ name, parameters }: Block): boolean => name !== '' && parameters.size === 0;

const shapeText = ({ shape }: Tensor): string => shape.join(' x ');

function box(block: Block): string {
  const { name, parameters, shape } = block;
  if (name === '') return `(("${shape}"))`;
  if (isInput(block)) return `[/"${[name, shape].filter(Boolean).join('<br/>')}"/]`;
  const rank = Math.max(...[...parameters.values()].map(({ length }) => length));
  const largest = [...parameters.values()].filter(({ length }) => length === rank).map((dims) => dims.join(' x '));
  return `["${name}<br/>${[...new Set(largest)].join(', ')}"]`;
}
