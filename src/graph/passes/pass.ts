/** What a pass is. index.ts lists the passes in their order. */
import type { Tensor } from '../tensor.ts';

/** Tensors of one graph, by name. */
export type Outputs = Record<string, Tensor>;

export interface Program {
  /** What is computed for each batch of rows. */
  outputs: Outputs;
  /**
   * What is computed once, before any row comes: by the name of the input that stands for it in `outputs`. Tensors of a
   * graph of their own, whose inputs are weights.
   */
  weights: Outputs;
}

/** Rewrites a program into new graphs. Values stay equal, to rounding. */
export type Pass = (program: Program) => Program;

/** A pass over what is computed for rows. */
export const passOver =
  (rewrite: (outputs: Outputs) => Outputs): Pass =>
  ({ outputs, weights }) => ({ outputs: rewrite(outputs), weights });
