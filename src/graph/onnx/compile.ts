/** From a graph to ONNX bytes: checked, lowered, emitted. */
import { error } from '../../base/errors/index.ts';
import { check } from '../check.ts';
import { type Product, productsOf } from '../multiply-adds.ts';
import { nodesBefore } from '../order.ts';
import type { Tensor } from '../tensor.ts';
import { emit } from './emit.ts';
import { type LoweringOptions, lower } from './lower.ts';
import type { Port } from './lowered.ts';

export interface CompiledGraph {
  /** A whole ONNX model; its batch dimension is named `batch`. */
  bytes: Uint8Array;
  inputs: readonly Port[];
  outputs: readonly Port[];
  /** Its matrix products: from them the arithmetic of a run is counted. */
  products: Product[];
}

/** Compiles the named outputs and all that they need. Throws GRAPH_INVALID if the graph is not valid. */
export function compile(outputs: Record<string, Tensor>, options: LoweringOptions = {}): CompiledGraph {
  const nodes = nodesBefore(...Object.values(outputs));
  check(nodes);
  const lowered = lower(outputs, options);
  const taken = lowered.inputs.find(({ name }) => Object.hasOwn(outputs, name));
  if (taken !== undefined)
    throw error('GRAPH_INVALID', { node: `output ${taken.name}`, problem: 'an input has the same name' });
  return { bytes: emit(lowered), inputs: lowered.inputs, outputs: lowered.outputs, products: productsOf(nodes) };
}
