/** Symbolic tensors, their derivatives, and ONNX. Models import the functions here and nothing below. */

export * from './functions.ts';
export { grad } from './grad.ts';
export { type CompiledGraph, type CompileOptions, check, compile, dump, type Port } from './onnx/compile.ts';
export { type Int8Weights, int8Candidates, toInt8 } from './onnx/int8.ts';
export type { StoredValue } from './onnx/proto.ts';
export { type Attributes, OPS, type OpName } from './ops/table.ts';
export { nodesBefore } from './order.ts';
export { steady } from './passes/batch-invariant.ts';
export { type Apart, fold, type Known, workOut } from './passes/index.ts';
export { multiplyAdds, type Product, productsOf } from './products.ts';
export { batchMultiple, type Dim, elements, fixedElements, isBatch, resolve, type Shape, showShape } from './shape.ts';
export { type ElementType, Graph, type Tensor } from './tensor.ts';
