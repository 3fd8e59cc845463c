/** Symbolic tensors, their derivatives, and ONNX. Other rooms import from this file only. */

export { check } from './check.ts';
export * from './functions/index.ts';
export { grad } from './grad.ts';
export { Graph } from './graph.ts';
export { multiplyAdds, type Product, productsOf } from './multiply-adds.ts';
export { type CompiledGraph, compile } from './onnx/compile.ts';
export { type Int8Weights, int8Candidates, toInt8 } from './onnx/int8.ts';
export { type LoweringOptions, lower } from './onnx/lower.ts';
export type { Port } from './onnx/lowered.ts';
export type { StoredValue } from './onnx/stored.ts';
export type { Attributes, OpName } from './ops/attributes.ts';
export { OPS } from './ops/table.ts';
export { nodesBefore } from './order.ts';
export { batchInvariant, evaluateWeights, fold, type Known, type Program } from './passes/index.ts';
export { LEAD, overRanks, type RankProgram, SUMS, sumsAfter } from './ranks/stages.ts';
export {
  batchMultiple,
  type Dim,
  type ElementType,
  elements,
  fixedElements,
  isBatch,
  resolve,
  type Shape,
  showShape,
} from './shape.ts';
export { isOp, type NodeFactory, type Tensor } from './tensor.ts';
export { graphText, loweredText } from './text.ts';
