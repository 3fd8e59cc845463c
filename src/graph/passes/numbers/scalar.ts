/** The arithmetic of ops that work number by number, in float64. */
import type { Attributes, OpName } from '../../ops/attributes.ts';

/** An op as a function of one number of each operand. Conditions are 0 or 1. */
export const SCALAR: { readonly [K in OpName]?: (...operands: number[]) => number } = {
  neg: (x) => -x,
  exp: Math.exp,
  log: Math.log,
  sqrt: Math.sqrt,
  reciprocal: (x) => 1 / x,
  abs: Math.abs,
  relu: (x) => Math.max(x, 0),
  sigmoid: (x) => 1 / (1 + Math.exp(-x)),
  tanh: Math.tanh,
  softplus: (x) => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x))),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  maximum: Math.max,
  minimum: Math.min,
  less: (a, b) => Number(a < b),
  greater: (a, b) => Number(a > b),
  equal: (a, b) => Number(a === b),
  where: (condition, a, b) => (condition === 0 ? b : a),
};

/** `cast` to a type, of one number. */
export const castTo = (to: Attributes['cast']['to'], x: number): number =>
  to === 'bool' ? Number(x !== 0) : to === 'int32' ? Math.trunc(x) : x;
