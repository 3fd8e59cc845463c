/**
 * What the lowering rules of ops work with: the ONNX ops that exist, and an interface that adds nodes of them.
 * `onnx/lower.ts` implements it.
 */
import type { ElementType, Shape } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

/** Element types of ONNX values: those of tensors, and those that occur inside the template of one op only. */
export type OnnxType = ElementType | 'float64' | 'int64' | 'int8' | 'uint8';

type None = Record<string, never>;

/**
 * The ONNX ops that graphs are lowered to (opset 17), each with its attributes. `{ float }` is a float, other numbers
 * are ints.
 */
export interface OnnxAttributes {
  Neg: None;
  Exp: None;
  Log: None;
  Sqrt: None;
  Reciprocal: None;
  Abs: None;
  Relu: None;
  Sigmoid: None;
  Tanh: None;
  Softplus: None;
  Round: None;
  HardSigmoid: { alpha: { float: number }; beta: { float: number } };
  Add: None;
  Sub: None;
  Mul: None;
  Div: None;
  Max: None;
  Min: None;
  Less: None;
  Greater: None;
  Equal: None;
  Cast: { to: { type: OnnxType } };
  Where: None;
  /** The axes are an input. */
  ReduceSum: { keepdims: number };
  /** The axes are an attribute until opset 18. */
  ReduceMax: { axes: readonly number[]; keepdims: number };
  Softmax: { axis: number };
  Gemm: { transA: number; transB: number } | None;
  MatMul: None;
  MatMulInteger: None;
  Reshape: None;
  Transpose: { perm: readonly number[] };
  Expand: None;
  Concat: { axis: number };
  Slice: None;
  Pad: None;
  Gather: { axis: number };
  ScatterElements: { axis: number; reduction: string };
  Shape: None;
  ConstantOfShape: None;
  Identity: None;
}

export type OnnxOp = keyof OnnxAttributes;

/** ONNX ops without attributes. */
export type PlainOnnxOp = { [K in OnnxOp]: OnnxAttributes[K] extends None ? K : never }[OnnxOp];

/** Name of a value of the lowered graph. */
export type ValueName = string;

/** Adds nodes and stored numbers to a lowered graph. */
export interface NodeBuilder {
  /** Adds a node with one result; returns the result's name. */
  add<K extends PlainOnnxOp>(op: K, inputs: readonly ValueName[]): ValueName;
  add<K extends OnnxOp>(op: K, inputs: readonly ValueName[], attributes: OnnxAttributes[K]): ValueName;
  /** A value that is made at first use and shared afterwards. */
  once(key: string, make: () => ValueName): ValueName;
  /** The value with its numbers in their order and another shape; -1 stands for the batch. */
  reshaped(value: ValueName, shape: Shape): ValueName;
  cast(value: ValueName, to: OnnxType): ValueName;
  /** A stored float32 scalar. */
  float(value: number): ValueName;
  /** A stored whole number from 0 to 255. */
  uint8(value: number): ValueName;
  /** A stored int64 list: a shape, axes, bounds. */
  int64s(values: readonly number[]): ValueName;
}

/**
 * Tensors as values of the lowered graph. A [B, n] tensor may be stored transposed, as [n, B] (see onnx/layout.ts): a
 * rule asks for the storage that its ONNX op needs.
 */
export interface Storage {
  /** Is the tensor stored transposed? */
  isFlipped(tensor: Tensor): boolean;
  /** The tensor in the storage that it has; its nodes are added at first use. */
  asStored(tensor: Tensor): ValueName;
  plain(tensor: Tensor): ValueName;
  /** A [B, n] tensor as [n, B]. */
  flipped(tensor: Tensor): ValueName;
  /** An elementwise operand, shaped to broadcast against `node` as `node` is stored. */
  aligned(operand: Tensor, node: Tensor): ValueName;
  /** An operand and its axes, for an op along axes. */
  alongAxes(operand: Tensor, axes: readonly number[], node: Tensor): { value: ValueName; axes: number[] };
  /** The result of a reduction over `alongAxes`, in the storage of `node`. */
  reduced(value: ValueName, node: Tensor<'reduceSum' | 'reduceMax'>): ValueName;
  /** A matrix or a stack of matrices in plain storage, its last two axes swapped if `transposed`. */
  matrix(tensor: Tensor, transposed: boolean): ValueName;
}

/** Sizes that are known at run time only. */
export interface RuntimeSizes {
  /** The batch size as an int64 list of one number, read from the shape of an input. */
  batch(): ValueName;
  /** A shape as an int64 list. */
  shape(shape: Shape): ValueName;
}

export interface Lowering {
  readonly build: NodeBuilder;
  readonly storage: Storage;
  readonly sizes: RuntimeSizes;
  /** A graph input, or the initializer that is stored in place of it. */
  input(node: Tensor<'input'>): ValueName;
  constant(node: Tensor<'constant'>): ValueName;
}
