/**
 * Cuts a graph into stages between which ranks add up sums over rows. Each rank runs every stage on its rows of the
 * batch; after a stage, the ranks add up one vector, and the next stage reads it. A graph without statistics over the
 * batch has one stage.
 */
import { concat, mul, reshape, slice } from '../functions/index.ts';
import { Graph } from '../graph.ts';
import { nodesBefore } from '../order.ts';
import { fixedElements } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { type Placement, type Placements, place } from './placement.ts';

/** Input [] of a stage that adds a whole value to summands: 1 on one rank, 0 on the others. */
export const LEAD = 'ranks.lead';
/** Output of a stage: the vector [n] to add up over ranks. */
export const SUMS = 'ranks.sums';
/** Input of later stages: the vector that was added up after stage `s`. */
export const sumsAfter = (stage: number): string => `ranks.sums.${stage}`;

export interface Stage {
  /** Outputs of the graph that this stage has, SUMS, and values that later stages take as inputs of the same name. */
  outputs: Record<string, Tensor>;
}

export interface RankProgram {
  /** In their order. */
  stages: Stage[];
  /** Of each output of the graph. */
  placements: Record<string, Placement>;
}

/**
 * The stages of a graph for ranks.
 *
 * @throws GRAPH_ROWS_MIXED if the graph mixes rows in another way than by sums
 */
export function overRanks(outputs: Record<string, Tensor>): RankProgram {
  const nodes = nodesBefore(...Object.values(outputs));
  const placed = place(nodes);
  const cut = new Cut(nodes, placed, outputs);
  const placements = Object.fromEntries(
    Object.entries(outputs).map(([name, { id }]) => [name, placed.of.get(id) as Placement]),
  );
  return { stages: Array.from({ length: cut.count }, (_, s) => cut.stage(s)), placements };
}

/** A value that leaves or enters a stage has this name. */
const carriedName = ({ id }: Tensor): string => `ranks.carried.${id}`;

/** Inputs and constants are at hand in every stage. */
const isSource = (node: Tensor): boolean => node.op === 'input' || node.op === 'constant';

class Cut {
  readonly count: number;
  readonly #placed: Placements;
  readonly #outputs: readonly [string, Tensor][];
  /** The stage that computes a node. */
  readonly #stageOf = new Map<number, number>();
  /** Nodes that are computed where they are read: cheap ones of inputs and reduced sums, which every later stage has. */
  readonly #anywhere = new Set<number>();
  readonly #sums: Tensor[][];
  readonly #carried: Tensor[][];

  constructor(nodes: readonly Tensor[], placed: Placements, outputs: Record<string, Tensor>) {
    this.#placed = placed;
    this.#outputs = Object.entries(outputs);
    for (const node of nodes) {
      this.#stageOf.set(node.id, Math.max(0, ...node.inputs.map((input) => this.#readable(input))));
      const atHand = node.inputs.every(({ id }) => this.#anywhere.has(id) || placed.reduced.has(id));
      if (isSource(node) || (isCheap(node) && atHand)) this.#anywhere.add(node.id);
    }
    this.count = 1 + Math.max(0, ...this.#outputs.map(([, { id }]) => this.#stageOf.get(id) as number));
    const byStage = (list: readonly Tensor[]): Tensor[][] =>
      Array.from({ length: this.count }, (_, s) => list.filter(({ id }) => this.#stageOf.get(id) === s));
    this.#sums = byStage(nodes.filter(({ id }) => placed.reduced.has(id)));
    this.#carried = byStage(this.#crossing(nodes));
  }

  /** The first stage that can read a node. */
  #readable({ id }: Tensor): number {
    return (this.#stageOf.get(id) as number) + Number(this.#placed.reduced.has(id));
  }

  /** Nodes that a later stage reads. What is reduced arrives in the vector of sums. */
  #crossing(nodes: readonly Tensor[]): Tensor[] {
    const found = new Set<Tensor>();
    for (const node of nodes) {
      const stage = this.#stageOf.get(node.id) as number;
      if (this.#anywhere.has(node.id)) continue;
      for (const input of node.inputs)
        if (this.#enters(input, stage) && !this.#placed.reduced.has(input.id)) found.add(this.#carrier(input));
    }
    return [...found].sort((a, b) => a.id - b.id);
  }

  /** What is carried for a node: a reshaped value travels as it was. */
  #carrier(node: Tensor): Tensor {
    const [from] = node.inputs;
    return node.op === 'reshape' && !this.#placed.reduced.has(from.id) ? this.#carrier(from) : node;
  }

  stage(s: number): Stage {
    const graph = new Graph();
    const copies = new Map<number, Tensor>();
    const copyOf = (node: Tensor): Tensor => {
      const known = copies.get(node.id);
      if (known !== undefined) return known;
      const made = this.#copy(node, s, graph, copyOf);
      copies.set(node.id, made);
      return made;
    };
    const here = this.#outputs.filter(([, { id }]) => this.#stageOf.get(id) === s);
    const wanted = [...here.map(([, node]) => node), ...this.#sums[s], ...this.#carried[s]];
    for (const node of this.#needed(wanted, s)) copyOf(node); // in the order of the whole graph
    const sums = this.#sums[s].map((node) => flat(copyOf(node)));
    return {
      outputs: {
        ...Object.fromEntries(here.map(([name, node]) => [name, copyOf(node)])),
        ...Object.fromEntries(this.#carried[s].map((node) => [carriedName(node), copyOf(node)])),
        ...(sums.length > 0 && { [SUMS]: concat(sums, 0) }),
      },
    };
  }

  /** The nodes that a stage computes for some of its nodes, inputs first. */
  #needed(wanted: readonly Tensor[], s: number): Tensor[] {
    const found = new Set<Tensor>();
    const stack = [...wanted];
    for (let node = stack.pop(); node !== undefined; node = stack.pop()) {
      if (found.has(node)) continue;
      found.add(node);
      stack.push(...node.inputs.filter((input) => !this.#enters(input, s)));
    }
    return [...found].sort((a, b) => a.id - b.id);
  }

  /** Does a node that is read in a stage enter it from before? */
  #enters(node: Tensor, s: number): boolean {
    if (this.#placed.reduced.has(node.id)) return true;
    return !this.#anywhere.has(node.id) && (this.#stageOf.get(node.id) as number) < s;
  }

  #copy(node: Tensor, s: number, graph: Graph, copyOf: (node: Tensor) => Tensor): Tensor {
    if (isOp(node, 'input')) return graph.input(node.attributes.name, node.shape, node.type);
    const operands = node.inputs.map((input) => (this.#enters(input, s) ? this.#entered(input, graph) : copyOf(input)));
    return graph.node(node.op, this.#asSummands(node, operands, graph), node.attributes);
  }

  /** A value of an earlier stage. */
  #entered(node: Tensor, graph: Graph): Tensor {
    if (this.#placed.reduced.has(node.id)) {
      const from = this.#stageOf.get(node.id) as number;
      const lengths = this.#sums[from].map(({ shape }) => fixedElements(shape));
      const total = lengths.reduce((sum, length) => sum + length, 0);
      const at = this.#sums[from].indexOf(node);
      const start = lengths.slice(0, at).reduce((sum, length) => sum + length, 0);
      return reshape(slice(graph.input(sumsAfter(from), [total]), 0, start, start + lengths[at]), node.shape);
    }
    const carried = this.#carrier(node);
    return reshape(graph.input(carriedName(carried), carried.shape, carried.type), node.shape);
  }

  /** Operands of a node that is a sum: one rank alone takes its whole operands along. */
  #asSummands(node: Tensor, operands: readonly Tensor[], graph: Graph): readonly Tensor[] {
    if (this.#placed.of.get(node.id) !== 'sum' || !isJoint(node)) return operands;
    const isSum = ({ id }: Tensor): boolean => this.#placed.of.get(id) === 'sum' && !this.#placed.reduced.has(id);
    return operands.map((operand, i) => (isSum(node.inputs[i]) ? operand : mul(operand, graph.input(LEAD, []))));
  }
}

/** Is a node linear in several operands as one vector? */
const isJoint = ({ op }: Tensor): boolean => op === 'add' || op === 'sub' || op === 'concat';

/** Nodes that cost less than to carry their result from stage to stage. */
const isCheap = ({ op }: Tensor): boolean => op !== 'matmul';

const flat = (node: Tensor): Tensor => reshape(node, [fixedElements(node.shape)]);
