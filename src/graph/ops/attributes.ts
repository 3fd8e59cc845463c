/** The ops by name, each with its attributes. The table of ops (table.ts) holds a rule for every name here. */
import type { Dim, ElementType, Shape } from '../shape.ts';

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
