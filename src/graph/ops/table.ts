/**
 * The table of ops: the only place where an op's meaning is declared. The record is mapped over `Attributes`, so an op
 * without a rule does not compile. docs/ops.md lists them.
 */
import type { Dim, Shape } from '../shape.ts';
import type { ElementType } from '../tensor.ts';
import { ARRANGE_OPS } from './arrange.ts';
import { COMPARE_OPS } from './compare.ts';
import { ELEMENTWISE_OPS } from './elementwise.ts';
import { MATMUL_OPS } from './matmul.ts';
import { REDUCE_OPS } from './reduce.ts';
import type { OpRule } from './rule.ts';
import { SOURCE_OPS } from './source.ts';

type None = Record<string, never>;

export interface Attributes {
  // sources
  input: { name: string; shape: Shape; type: ElementType };
  constant: { values: readonly number[]; shape: readonly number[]; type: ElementType };
  // one number in, one number out
  neg: None;
  exp: None;
  log: None;
  sqrt: None;
  reciprocal: None;
  abs: None;
  relu: None;
  sigmoid: None;
  tanh: None;
  softplus: None;
  stopGradient: None;
  // two operands, broadcast
  add: None;
  sub: None;
  mul: None;
  div: None;
  maximum: None;
  minimum: None;
  // comparisons and choice
  less: None;
  greater: None;
  equal: None;
  cast: { to: ElementType };
  where: None;
  // along axes
  reduceSum: { axes: readonly number[]; keep: boolean };
  reduceMax: { axes: readonly number[]; keep: boolean };
  softmax: { axis: number };
  // products
  matmul: { transposeA: boolean; transposeB: boolean };
  // arrangement
  reshape: { shape: Shape };
  transpose: { permutation: readonly number[] };
  expand: { shape: Shape };
  concat: { axis: number };
  slice: { axis: number; start: number; end: number };
  pad: { axis: number; before: number; after: number };
  gather: None;
  scatterAdd: { rows: Dim };
}

export type OpName = keyof Attributes;

export const OPS: { readonly [K in OpName]: OpRule<K> } = {
  ...SOURCE_OPS,
  ...ELEMENTWISE_OPS,
  ...COMPARE_OPS,
  ...REDUCE_OPS,
  ...MATMUL_OPS,
  ...ARRANGE_OPS,
};
