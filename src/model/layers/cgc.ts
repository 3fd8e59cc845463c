/**
 * Customised gate control, the layer that PLE stacks (Tang et al., RecSys 2020, section 3.2): each head mixes experts of its own
 * and experts that all heads share.
 *
 *   P_hk = specific_hk(r_h)    Q_k = shared_k(r_sh)    r_h' = softmax(gate_h(r_h)) . [P_h1 .. P_hn, Q_1 .. Q_m]
 *   and before another layer   r_sh' = softmax(gate_sh(r_sh)) . [P_11 .. P_Hn, Q_1 .. Q_m]
 */
import { add, reshape, slice, softmax, type Tensor } from '../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, ParameterSpec } from '../contract.ts';
import { weightedSum } from './heads.ts';
import { linear, linearParameters } from './linear.ts';
import type { Norm } from './norms/norm.ts';
import {
  forEachMember,
  stackedLinear,
  stackedLinearParameters,
  stackedMlp,
  stackedMlpBuffers,
  stackedMlpParameters,
} from './stack.ts';

export interface CgcSizes {
  heads: number;
  inputs: number;
  /** Widths of each expert. */
  dims: readonly number[];
  /** Experts that a head has to itself, at least 1. */
  specific: number;
  /** Experts that all heads share, at least 1. */
  shared: number;
  norm?: Norm;
  /** Another layer follows: the shared experts of that one read a mixture, too. Default: false. */
  sharedGate?: boolean;
}

/** What a layer reads and what it gives. */
export interface CgcRows {
  /** For each head: [H, B, in]; [G, B, in], each for H/G heads in a row; or [B, in] for all. */
  heads: Tensor;
  /** For the shared experts: [B, in], or [G, B, in], one for each group of heads. */
  shared: Tensor;
}

/** One layer: rows of width in -> heads [H, B, n], and shared rows of the shape they came in where a shared gate is asked for. */
export function cgc(rows: CgcRows, name: string, sizes: CgcSizes, inputs: ForwardInputs<CommonOptions>): CgcRows {
  const { heads, specific, dims, norm, sharedGate } = sizes;
  const width = dims.at(-1) as number;
  const own = stackedMlp(rows.heads, `${name}.specific`, dims, inputs, norm); // [H*n_sp,B,n]
  const shared = stackedMlp(forEachMember(rows.shared), `${name}.shared`, dims, inputs, norm); // [n_sh,B,n] or [G,n_sh,B,n]

  const weights = softmax(stackedLinear(rows.heads, `${name}.gate`, inputs.parameter)); // [H,B,n_sp+n_sh]
  const mixed = add(
    weightedSum(slice(weights, 2, 0, specific), reshape(own, [heads, specific, 'B', width])),
    weightedSum(slice(weights, 2, specific, specific + sizes.shared), shared),
  ); // [H,B,n]
  if (!sharedGate) return { heads: mixed, shared: rows.shared };

  const all = heads * specific;
  const logits = linear(rows.shared, `${name}.sharedGate`, inputs.parameter); // [B,H*n_sp+n_sh] or [G,B,H*n_sp+n_sh]
  const groups = logits.shape.length === 3 ? (logits.shape[0] as number) : 1;
  const sharedWeights = softmax(reshape(logits, [groups, 'B', all + sizes.shared]));
  const next = add(
    weightedSum(slice(sharedWeights, 2, 0, all), own),
    weightedSum(slice(sharedWeights, 2, all, all + sizes.shared), shared),
  ); // [G,B,n]
  return { heads: mixed, shared: logits.shape.length === 3 ? next : reshape(next, ['B', width]) };
}

/** Own experts lie head by head; a gate's numbers are those of the own experts, then of the shared ones. */
export function cgcParameters(name: string, sizes: CgcSizes): ParameterSpec[] {
  const { heads, inputs, dims, specific, shared, norm, sharedGate } = sizes;
  return [
    ...stackedMlpParameters(`${name}.specific`, { count: heads * specific, inputs, dims, norm }),
    ...stackedMlpParameters(`${name}.shared`, { count: shared, inputs, dims, norm }),
    ...stackedLinearParameters(`${name}.gate`, heads, inputs, specific + shared),
    ...(sharedGate ? linearParameters(`${name}.sharedGate`, inputs, heads * specific + shared) : []),
  ];
}

/** Moving averages of the experts' norms. */
export const cgcBuffers = (name: string, { heads, inputs, dims, specific, shared, norm }: CgcSizes): BufferSpec[] => [
  ...stackedMlpBuffers(`${name}.specific`, { count: heads * specific, inputs, dims, norm }),
  ...stackedMlpBuffers(`${name}.shared`, { count: shared, inputs, dims, norm }),
];
