/**
 * Lowering: from a graph of ops to a graph of ONNX nodes. Three steps: which values are stored transposed (layout.ts),
 * which ops are lowered together (fusions/), and then each node by its fusion or by the rule of its op.
 */
import type { Lowering, ValueName } from '../ops/lowering.ts';
import { ruleOf } from '../ops/table.ts';
import { nodesBefore } from '../order.ts';
import { isOp, type Tensor } from '../tensor.ts';
import { Builder } from './builder.ts';
import type { GraphFacts } from './fusions/fusion.ts';
import { type Fused, LOWERED_AT_FIRST_USE, planFusions } from './fusions/index.ts';
import { planLayout } from './layout.ts';
import type { LoweredGraph, Port } from './lowered.ts';
import { InputSizes } from './sizes.ts';
import { TensorStorage } from './storage.ts';
import { constantInitializer, type StoredValue, storedInitializers } from './stored.ts';

export interface LoweringOptions {
  /**
   * Inputs that are not fed but belong to the model, by name: of fixed shape, float32. ONNX Runtime may fold and
   * rearrange them.
   */
  stored?: ReadonlyMap<string, StoredValue>;
  /**
   * The usual batch size: long batches are stored transposed where that is faster. Results do not depend on it beyond
   * rounding. Default 1.
   */
  batchHint?: number;
}

/** Lowers the named outputs and all that they need. */
export function lower(
  outputs: Record<string, Tensor>,
  { stored = new Map(), batchHint = 1 }: LoweringOptions = {},
): LoweredGraph {
  const tensors = Object.values(outputs);
  const nodes = nodesBefore(...tensors);
  const flipped = planLayout(nodes, tensors, batchHint);
  const fusions = planFusions(nodes, factsOf(nodes, tensors, flipped, stored));
  const lowering = new GraphLowering(flipped, fusions, stored);
  for (const node of nodes) if (node.op === 'input') lowering.storage.asStored(node); // inputs in declared order
  for (const node of nodes) if (!LOWERED_AT_FIRST_USE.has(node.op)) lowering.storage.asStored(node);
  for (const [name, tensor] of Object.entries(outputs)) lowering.build.output(name, lowering.storage.plain(tensor));
  const { nodes: lowered, initializers } = lowering.build;
  const ports = Object.entries(outputs).map(([name, { shape, type }]): Port => ({ name, shape, type }));
  return { inputs: lowering.inputs, initializers, nodes: lowered, outputs: ports };
}

class GraphLowering implements Lowering {
  readonly inputs: Port[] = [];
  readonly build = new Builder();
  readonly sizes = new InputSizes(this.build, this.inputs);
  readonly storage: TensorStorage;
  readonly #fusions: ReadonlyMap<number, Fused>;
  readonly #stored: ReadonlyMap<string, StoredValue>;

  constructor(
    flipped: ReadonlySet<number>,
    fusions: ReadonlyMap<number, Fused>,
    stored: ReadonlyMap<string, StoredValue>,
  ) {
    this.storage = new TensorStorage(this.build, flipped, (node) => this.#lower(node));
    this.#fusions = fusions;
    this.#stored = stored;
  }

  input(node: Tensor<'input'>): ValueName {
    const { attributes } = node;
    const value = this.#stored.get(attributes.name);
    if (value === undefined) this.inputs.push(attributes);
    else storedInitializers(node, value).map((initializer) => this.build.store(initializer));
    return attributes.name;
  }

  constant(node: Tensor<'constant'>): ValueName {
    return this.build.store(constantInitializer(node));
  }

  #lower(node: Tensor): ValueName {
    const fused = this.#fusions.get(node.id);
    return this.build.within(fused?.name ?? node.op, () => fused?.lower(this) ?? ruleOf(node).lower(this, node));
  }
}

function factsOf(
  nodes: readonly Tensor[],
  outputs: readonly Tensor[],
  flipped: ReadonlySet<number>,
  stored: ReadonlyMap<string, StoredValue>,
): GraphFacts {
  const uses = new Map<number, number>();
  for (const { id } of [...nodes.flatMap(({ inputs }) => inputs), ...outputs]) uses.set(id, (uses.get(id) ?? 0) + 1);
  const storedOf = (tensor: Tensor): StoredValue | undefined =>
    isOp(tensor, 'input') ? stored.get(tensor.attributes.name) : undefined;
  return {
    isFlipped: ({ id }) => flipped.has(id),
    isReadOnce: ({ id }) => uses.get(id) === 1,
    isInt8: (tensor): tensor is Tensor<'input'> => 'int8' in (storedOf(tensor) ?? {}),
  };
}
