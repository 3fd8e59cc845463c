/**
 * TIM, the task-specific interest module: one transformer encodes the sequence of each behaviour type k for each task t; only
 * the norms differ. Up to the standardisation in the first block nothing depends on the task: that is done once for all tasks.
 *
 *   block:      H = CLN(X + MHSA(X); gamma_1, beta_1)    X' = CLN(H + FFN(H); gamma_2, beta_2)
 *   interest:   w = softmax_l(X'_l . target / sqrt(d))   u_tk = sum_l w_l X'_l      (`target`; `mean`: all w_l equal)
 */
import type { Tensor } from '../../../graph/index.ts';
import {
  add,
  div,
  elements,
  matmul,
  maximum,
  mul,
  reduceMax,
  reduceSum,
  reshape,
  slice,
  softmax,
} from '../../../graph/index.ts';
import type { Layer, ModelSizes, SequenceSizes, Step } from '../../contract.ts';
import { paddingBias, selfAttention } from '../../layers/attention.ts';
import { layer, parameter, times, xavier } from '../../layers/layer.ts';
import { twoLayers } from '../../layers/linear.ts';
import { conditionalNorm } from '../../layers/norms/conditional-norm.ts';
import { normAt, normTable } from './norms.ts';
import type { DtrnOptions } from './options.ts';

export interface Interests {
  /** [T, B, K, d], 0 for an empty sequence. */
  interests: Tensor;
  /** The norms that made them, [T, S', K, 2N, 2, d]. */
  norms: Tensor;
}

export function interestModule(options: DtrnOptions, sizes: ModelSizes, sequences: SequenceSizes) {
  const { embeddingDim: dimension, attentionHeads: heads, ffnDim } = options;
  const { types, length, itemField } = sequences;
  const position = parameter('tim.position.embedding', [length, dimension], { kind: 'normal', deviation: 0.01 });
  const table = normTable(options, sizes, sequences);
  const blocks = times(options.blocks, (n) => ({
    MHSA: selfAttention(`tim.block.${n}`, { dimension, heads }),
    FFN: feedForward(`tim.block.${n}.ffn`, dimension, ffnDim),
  }));
  const ofBlocks = blocks.flatMap(({ MHSA, FFN }) => [MHSA, FFN]);
  return layer([...(options.positions ? [position] : []), table, ...ofBlocks], (step: Step): Interests => {
    const { items, mask } = step.sequences(); // [B,K,L,d], [B,K,L]
    const norms = table(step); // [T,S',K,2N,2,d]
    const CLN = (x: Tensor, norm: number) => conditionalNorm(x, normAt(norms, norm, length, options, step)); // [T,B,K,L,d]
    let X = options.positions ? add(items, position(step)) : items; // [B,K,L,d], from block 2 on [T,B,K,L,d]
    blocks.forEach(({ MHSA, FFN }, n) => {
      const H = CLN(add(X, MHSA(X, mask, step)), 2 * n); // [T,B,K,L,d]
      X = CLN(add(H, FFN(H, step)), 2 * n + 1); // [T,B,K,L,d]
    });

    const target = slice(step.embedding, 1, itemField * dimension, (itemField + 1) * dimension); // [B,d]
    const w = options.pooling === 'mean' ? meanWeights(mask) : targetWeights(X, target, mask); // [B,K,L] or [T,B,K,L]
    const u = matmul(reshape(w, [...w.shape.slice(0, -1), 1, length]), X); // [T,B,K,1,d]
    const someItem = reduceMax(mask, [2], true); // [B,K,1]
    return { interests: mul(reshape(u, [sizes.tasks, 'B', types, dimension]), someItem), norms };
  });
}

/** FFN(x) = W_1 ReLU(W_0 x), item by item: [.., d] -> [.., d]. */
function feedForward(name: string, dimension: number, hidden: number): Layer {
  const FFN = twoLayers(name, { inputs: dimension, hidden, outputs: dimension, start: xavier });
  return layer([FFN], (x, step) => {
    const flat = reshape(x, [elements(x.shape.slice(0, -1)), dimension]); // [T*B*K*L,d]
    return reshape(FFN(flat, step), x.shape); // [T,B,K,L,d]
  });
}

/** Equal weights of a sequence's items: [B, K, L]. */
const meanWeights = (mask: Tensor): Tensor => div(mask, maximum(reduceSum(mask, [2], true), 1));

/** softmax_l(X_l . target / sqrt(d)): items [T, B, K, L, d], target [B, d] -> [T, B, K, L]. */
function targetWeights(X: Tensor, target: Tensor, mask: Tensor): Tensor {
  const dimension = target.shape[1] as number;
  const query = reshape(mul(target, 1 / Math.sqrt(dimension)), ['B', 1, dimension, 1]);
  const scores = reshape(matmul(X, query), X.shape.slice(0, -1)); // [T,B,K,L]
  return softmax(add(scores, paddingBias(mask)));
}
