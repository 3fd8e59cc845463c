/**
 * What ops make of sums over ranks. A value is such a sum if each rank holds one summand, as it does of a sum over rows
 * when each rank has some of the rows. Ops that are linear pass summands on, so that only their result is to be added.
 */
import type { OpName } from '../ops/attributes.ts';

/**
 * `together`: linear in all operands as one vector: all are summands, or none is.
 * `each`: linear in each operand while the others are fixed: one is a summand, the others are whole.
 * `first`: linear in the first operand while the others are fixed.
 * `none`: needs whole values.
 */
export type Linearity = 'together' | 'each' | 'first' | 'none';

export const LINEARITY: { readonly [K in OpName]: Linearity } = {
  input: 'none',
  constant: 'none',
  neg: 'together',
  exp: 'none',
  log: 'none',
  sqrt: 'none',
  reciprocal: 'none',
  abs: 'none',
  relu: 'none',
  sigmoid: 'none',
  tanh: 'none',
  softplus: 'none',
  stopGradient: 'together',
  add: 'together',
  sub: 'together',
  mul: 'each',
  div: 'first',
  maximum: 'none',
  minimum: 'none',
  less: 'none',
  greater: 'none',
  equal: 'none',
  cast: 'none',
  where: 'none',
  reduceSum: 'together',
  reduceMax: 'none',
  softmax: 'none',
  matmul: 'each',
  reshape: 'together',
  transpose: 'together',
  expand: 'together',
  concat: 'together',
  slice: 'together',
  pad: 'together',
  gather: 'first',
  scatterAdd: 'first',
};
