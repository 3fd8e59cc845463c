/** Symbolic tensors, the nodes of a graph, and the interface by which ops add nodes to their graph. */
import type { Attributes, OpName } from './ops/attributes.ts';
import type { ElementType, Shape } from './shape.ts';

export interface Tensor<K extends OpName = OpName> {
  readonly graph: NodeFactory;
  /** Position in the graph: inputs of a node have smaller ids. */
  readonly id: number;
  readonly op: K;
  readonly inputs: readonly Tensor[];
  readonly attributes: Attributes[K];
  readonly shape: Shape;
  readonly type: ElementType;
}

/** Is it a node of this op? Its attributes are then known. */
export const isOp = <K extends OpName>(tensor: Tensor, op: K): tensor is Tensor<K> => tensor.op === op;

/** A graph to which nodes are added. `Graph` implements it. */
export interface NodeFactory {
  readonly nodes: readonly Tensor[];
  /** A value fed at every run. */
  input(name: string, shape: Shape, type?: ElementType): Tensor;
  /** A number, or an array of a fixed shape, stored in the graph. */
  constant(values: number | readonly number[], shape?: readonly number[], type?: ElementType): Tensor;
  /** The node of an op; the op's shape rule checks the inputs. */
  node<K extends OpName>(op: K, inputs: readonly Tensor[], attributes: Attributes[K]): Tensor<K>;
}
