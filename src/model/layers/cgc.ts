/**
 * Customised gate control, the layer that PLE stacks (Tang et al., RecSys 2020, section 3.2): each head mixes experts of its own
 * and experts that all heads share.
 *
 *   P_hk = specific_hk(r_h)    Q_k = shared_k(r_sh)    r_h' = softmax(gate_h(r_h)) . [P_h1 .. P_hn, Q_1 .. Q_m]
 *   and before another layer   r_sh' = softmax(gate_sh(r_sh)) . [P_11 .. P_Hn, Q_1 .. Q_m]
 */
import { add, reshape, slice, softmax, type Tensor } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { last, layer, times } from './layer.ts';
import { forEachMember, linear, mlp } from './linear.ts';
import { weightedSum } from './mixture.ts';
import type { Norm } from './norms/norm.ts';

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

/**
 * One layer: rows of width in -> heads [H, B, n], and shared rows of the shape they came in where a shared gate is asked for. Own
 * experts lie head by head; a gate's numbers are those of the own experts, then of the shared ones. `weights` [H, B, n_sp+n_sh] are
 * what the gates of heads give to these.
 */
export function cgc(name: string, sizes: CgcSizes): Layer<[rows: CgcRows], CgcRows & { weights: Tensor }> {
  const { heads, inputs, dims, specific, shared, norm, sharedGate } = sizes;
  const [width, all] = [last(dims), heads * specific];
  const ownExperts = mlp(`${name}.specific`, { count: all, inputs, dims, norm });
  const sharedExperts = mlp(`${name}.shared`, { count: shared, inputs, dims, norm });
  const gates = linear(`${name}.gate`, { count: heads, inputs, outputs: specific + shared });
  const gate = sharedGate ? linear(`${name}.sharedGate`, { inputs, outputs: all + shared }) : undefined;

  return layer([ownExperts, sharedExperts, gates, ...(gate ? [gate] : [])], (rows: CgcRows, step) => {
    const P = ownExperts(rows.heads, step); // [H*n_sp,B,n]
    const Q = sharedExperts(forEachMember(rows.shared), step); // [n_sh,B,n] or [G,n_sh,B,n]
    const weights = softmax(gates(rows.heads, step)); // [H,B,n_sp+n_sh]
    const mixed = add(
      weightedSum(slice(weights, 2, 0, specific), reshape(P, [heads, specific, 'B', width])),
      weightedSum(slice(weights, 2, specific, specific + shared), Q),
    ); // [H,B,n]
    if (gate === undefined) return { heads: mixed, shared: rows.shared, weights };

    const logits = gate(rows.shared, step); // [B,H*n_sp+n_sh] or [G,B,H*n_sp+n_sh]
    const groups = logits.shape.length === 3 ? (logits.shape[0] as number) : 1;
    const sharedWeights = softmax(reshape(logits, [groups, 'B', all + shared])); // [G,B,H*n_sp+n_sh]
    const next = add(
      weightedSum(slice(sharedWeights, 2, 0, all), P),
      weightedSum(slice(sharedWeights, 2, all, all + shared), Q),
    ); // [G,B,n]
    return { heads: mixed, shared: logits.shape.length === 3 ? next : reshape(next, ['B', width]), weights };
  });
}

/** Names of what `weights` are given to. */
export const cgcExperts = ({ specific, shared }: Pick<CgcSizes, 'specific' | 'shared'>): string[] => [
  ...times(specific, (k) => `own expert ${k + 1}`),
  ...times(shared, (k) => `shared expert ${k + 1}`),
];
