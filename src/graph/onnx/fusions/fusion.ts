/** What a fusion is, and what it may ask about the graph. */
import type { Lowering, ValueName } from '../../ops/lowering.ts';
import type { Tensor } from '../../tensor.ts';

/** A pattern of ops that becomes fewer or faster ONNX nodes than its ops become one by one. */
export interface Fusion {
  readonly name: string;
  /** The lowering of a node together with the operands that it takes in; undefined if the pattern does not match. */
  match(node: Tensor, facts: GraphFacts): FusedLowering | undefined;
}

export type FusedLowering = (lowering: Lowering) => ValueName;

export interface GraphFacts {
  /** Is the tensor stored transposed? */
  isFlipped(tensor: Tensor): boolean;
  /** Does exactly one node read it? A tensor that others read as well cannot be taken in. */
  isReadOnce(tensor: Tensor): boolean;
  /** Is it an input that is stored in eight bits? */
  isInt8(tensor: Tensor): tensor is Tensor<'input'>;
}
