/** A graph at the level of ONNX: what lowering makes and emission writes, one ONNX node for each node. */
import type { OnnxOp, OnnxType, ValueName } from '../ops/lowering.ts';
import type { ElementType, Shape } from '../shape.ts';

export interface LoweredNode {
  op: OnnxOp;
  inputs: readonly ValueName[];
  attributes: Readonly<Record<string, AttributeValue>>;
  output: ValueName;
  /** What it was lowered from: an op of the graph, a fusion of several, or an `output`. */
  from: string;
}

/** Numbers are ints, lists are lists of ints. */
export type AttributeValue = number | readonly number[] | string | { float: number } | { type: OnnxType };

/** A stored value: raw bytes in the model, or a file of little-endian numbers next to it. */
export interface Initializer {
  name: ValueName;
  type: OnnxType;
  shape: readonly number[];
  content: { bytes: Uint8Array } | { file: string; byteLength: number };
}

/** An input or an output of the graph. */
export interface Port {
  name: string;
  shape: Shape;
  type: ElementType;
}

export interface LoweredGraph {
  inputs: readonly Port[];
  initializers: readonly Initializer[];
  nodes: readonly LoweredNode[];
  outputs: readonly Port[];
}
