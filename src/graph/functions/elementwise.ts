/** Functions that work number by number. Two operands are broadcast against each other; either may be a number. */
import { broadcast, type ElementType, type Shape, sameShape } from '../shape.ts';
import type { NodeFactory, Tensor } from '../tensor.ts';

export type Operand = Tensor | number;

export const exp = (x: Tensor): Tensor => x.graph.node('exp', [x], {});
export const log = (x: Tensor): Tensor => x.graph.node('log', [x], {});
export const sqrt = (x: Tensor): Tensor => x.graph.node('sqrt', [x], {});
export const reciprocal = (x: Tensor): Tensor => x.graph.node('reciprocal', [x], {});
export const abs = (x: Tensor): Tensor => x.graph.node('abs', [x], {});
/** max(x, 0); its derivative at 0 is 0. */
export const relu = (x: Tensor): Tensor => x.graph.node('relu', [x], {});
/** 1 / (1 + e^-x). Saturates to exactly 0 or 1 for large |x|: never take its logarithm, use softplus. */
export const sigmoid = (x: Tensor): Tensor => x.graph.node('sigmoid', [x], {});
export const tanh = (x: Tensor): Tensor => x.graph.node('tanh', [x], {});
/** log(1 + e^x), without overflow. */
export const softplus = (x: Tensor): Tensor => x.graph.node('softplus', [x], {});
/** The same value, through which no gradient flows. */
export const stopGradient = (x: Tensor): Tensor => x.graph.node('stopGradient', [x], {});

export function neg(x: Tensor): Tensor {
  if (x.op === 'neg') return x.inputs[0];
  return x.graph.node('neg', [x], {});
}

// ---- two operands, broadcast against each other

export function add(a: Operand, b: Operand): Tensor {
  if (isNumber(a, 0)) return b as Tensor;
  if (isNumber(b, 0)) return a as Tensor;
  return binary('add', a, b);
}

export function sub(a: Operand, b: Operand): Tensor {
  if (isNumber(b, 0)) return a as Tensor;
  if (isNumber(a, 0)) return neg(b as Tensor);
  return binary('sub', a, b);
}

export function mul(a: Operand, b: Operand): Tensor {
  if (isNumber(a, 1)) return b as Tensor;
  if (isNumber(b, 1)) return a as Tensor;
  return binary('mul', a, b);
}

export function div(a: Operand, b: Operand): Tensor {
  const whole = typeof a !== 'number' && a.type === 'int32';
  if (typeof b === 'number') return whole ? binary('div', a, b) : mul(a, 1 / b);
  if (isNumber(a, 1)) return reciprocal(b);
  return binary('div', a, b);
}

export const maximum = (a: Operand, b: Operand): Tensor => binary('maximum', a, b);
export const minimum = (a: Operand, b: Operand): Tensor => binary('minimum', a, b);
export const less = (a: Operand, b: Operand): Tensor => binary('less', a, b);
export const greater = (a: Operand, b: Operand): Tensor => binary('greater', a, b);
export const equal = (a: Operand, b: Operand): Tensor => binary('equal', a, b);

export const cast = (x: Tensor, to: ElementType): Tensor => (x.type === to ? x : x.graph.node('cast', [x], { to }));

/** a where the condition holds, b elsewhere. */
export function where(condition: Tensor, a: Operand, b: Operand): Tensor {
  const [x, y] = operands(condition.graph, a, b, 'float32');
  return condition.graph.node('where', [condition, x, y], {});
}

type BinaryOp = 'add' | 'sub' | 'mul' | 'div' | 'maximum' | 'minimum' | 'less' | 'greater' | 'equal';

function binary(op: BinaryOp, a: Operand, b: Operand): Tensor {
  const graph = typeof a === 'number' ? (b as Tensor).graph : a.graph;
  const type = typeof a === 'number' ? (b as Tensor).type : a.type;
  const [x, y] = operands(graph, a, b, type);
  const shape = broadcast(op, x.shape, y.shape);
  const first = unexpanded(x, y, shape);
  return graph.node(op, [first, unexpanded(y, first, shape)], {});
}

/** The operand without an `expand`, where broadcasting has the same effect. */
function unexpanded(x: Tensor, other: Tensor, shape: Shape): Tensor {
  if (x.op !== 'expand') return x;
  const [inner] = x.inputs;
  return sameShape(broadcast('expand', inner.shape, other.shape), shape) ? inner : x;
}

const operands = (graph: NodeFactory, a: Operand, b: Operand, type: ElementType): [Tensor, Tensor] => [
  typeof a === 'number' ? graph.constant(a, scalarShape(b), type) : a,
  typeof b === 'number' ? graph.constant(b, scalarShape(a), type) : b,
];

/**
 * The shape of a number that is an operand next to a tensor. If the tensor's last axis has size 1, the number gets as
 * many axes: otherwise ONNX Runtime (1.30, CPU) goes through the tensor number by number, twenty times as slowly.
 */
const scalarShape = (other: Operand): number[] =>
  typeof other !== 'number' && other.shape.length > 1 && other.shape.at(-1) === 1 ? other.shape.map(() => 1) : [];

const isNumber = (x: Operand, value: number): boolean => x === value;
