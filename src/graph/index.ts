/** Symbolic tensors, their derivatives, and ONNX. Models import the functions here and nothing below. */
export { type CompiledGraph, type CompileOptions, check, compile, dump, type Port } from './compile.ts';
export * from './functions.ts';
export { grad } from './grad.ts';
export { type Int8Weights, int8Candidates, toInt8 } from './int8.ts';
export { type Attributes, OPS, type OpName } from './ops/table.ts';
export { nodesBefore } from './order.ts';
export { multiplyAdds, type Product, productsOf } from './products.ts';
export type { StoredValue } from './proto.ts';
export { type Apart, fold, type Known, workOut } from './rewrite/index.ts';
export { batchMultiple, type Dim, elements, fixedElements, isBatch, resolve, type Shape, showShape } from './shape.ts';
export { steady } from './steady.ts';
export { type ElementType, Graph, type Tensor } from './tensor.ts';
