/** How a published implementation names, shapes and orders what a model of ours holds: for imports, exports and parity. */
import type { Tensor } from '../graph/index.ts';
import type { ForwardOutputs, ModelSizes } from '../model/contract.ts';

export interface ReferenceLayout<O> {
  /** The `model` entries of reference configurations that this layout understands. */
  models: readonly string[];
  /** Options and sizes from the reference's configuration. Throws CONFIG_INVALID on entries it does not understand. */
  read: (config: Record<string, unknown>) => { options: O; sizes: ModelSizes; tableRows: number };
  /** Reference tensors of each parameter and how they are arranged in it. */
  tensors: (options: O, sizes: ModelSizes) => ReferenceTensor[];
  /** Arrangement of each buffer, in the same way. */
  buffers?: (options: O, sizes: ModelSizes) => ReferenceTensor[];
  /** Reference tensors that the reference itself never uses, and we do not have. */
  unused?: (options: O, sizes: ModelSizes) => { name: string; shape: readonly number[] }[];
  /** Reference name of the embedding table [V, D]; absent for references that take embedded rows. */
  table?: string;
  /** References that take embedded rows: their inputs [B, width], which together are our embedding. Default: `x`. */
  inputs?: readonly string[];
  /** References whose scenario is a path through a tree: how many scenarios each level has. Ours are all combinations. */
  levels?: (options: O) => readonly number[];
  gateTable?: string;
  /** Reference outputs by name, computed from the model's logits and diagnostics. */
  outputs?: (options: O, sizes: ModelSizes, forward: ForwardOutputs) => Record<string, Tensor>;
}

/** One reference tensor and its place in a parameter (or buffer) of ours. */
export interface ReferenceTensor {
  name: string;
  shape: readonly number[];
  parameter: string;
  /** For each element of the reference tensor (row-major index), its index in our parameter. */
  place: (index: number) => number;
}
