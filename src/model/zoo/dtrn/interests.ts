/**
 * TIM, the task-specific interest module: one transformer encodes the sequence of each behaviour type k for each task t; only
 * the norms differ.
 *
 *   block:      H = CLN(X + MHSA(X); gamma_1, beta_1)    X' = CLN(H + FFN(H); gamma_2, beta_2)
 *   interest:   w = softmax_l(X'_l . target / sqrt(d))   u_tk = sum_l w_l X'_l      (`target`; `mean`: all w_l equal)
 *
 * Up to the standardisation of H in the first block nothing depends on the task: that is done once for all tasks. The norm at
 * the end of the last block is put off until after the pooling, which keeps it: weights that add up to 1 carry scale and
 * shift through, and a score that is the same for all items of a sequence changes no weight.
 */
import {
  add,
  div,
  elements,
  matmul,
  maximum,
  mul,
  reduceMax,
  reduceSum,
  relu,
  reshape,
  slice,
  softmax,
  type Tensor,
} from '../../../graph/index.ts';
import type { Layer, ModelSizes, SequenceSizes, Step } from '../../contract.ts';
import { paddingBias, selfAttention } from '../../layers/attention.ts';
import { layer, parameter, xavier } from '../../layers/layer.ts';
import { linear } from '../../layers/linear.ts';
import { type ScaleAndShift, scaleAndShift } from '../../layers/norms/conditional-norm.ts';
import { standardized } from '../../layers/norms/norm.ts';
import { normAt, normTable } from './norms.ts';
import type { DtrnOptions } from './options.ts';

interface Context {
  options: DtrnOptions;
  sizes: ModelSizes;
  sequences: SequenceSizes;
}

export interface Interests {
  /** [T, B, K, d], 0 for an empty sequence. */
  interests: Tensor;
  /** The norms that made them, [T, S', K, 2N, 2, d]. */
  norms: Tensor;
}

export function interestModule(options: DtrnOptions, sizes: ModelSizes, sequences: SequenceSizes) {
  const { embeddingDim: dimension, attentionHeads: heads, ffnDim } = options;
  const { types, length } = sequences;
  const context = { options, sizes, sequences };
  const position = parameter('tim.position.embedding', [length, dimension], { kind: 'normal', deviation: 0.01 });
  const table = normTable(options, sizes, sequences);
  const blocks = Array.from({ length: options.blocks }, (_, n) => ({
    attention: selfAttention(`tim.block.${n}`, { dimension, heads }),
    ffn: feedForward(`tim.block.${n}.ffn`, dimension, ffnDim),
  }));
  const owned = [
    ...(options.positions ? [position] : []),
    table,
    ...blocks.flatMap(({ attention, ffn }) => [attention, ffn]),
  ];

  return layer(owned, (step: Step): Interests => {
    const { items, mask } = step.sequences(); // [B,K,L,d], [B,K,L]
    const norms = table(step); // [T,S',K,2N,2,d]
    const conditioned = (standard: Tensor, norm: number): Tensor => {
      const rows = reshape(standard, [...standard.shape.slice(0, -3), types * length * dimension]); // [B,K*L*d] or [T,B,K*L*d]
      const all = scaleAndShift(rows, normAt(norms, norm, length, options, step)); // [T,B,K*L*d]
      return reshape(all, [sizes.tasks, 'B', types, length, dimension]); // [T,B,K,L,d]
    };

    let x = options.positions ? add(items, position(step)) : items; // [B,K,L,d], from block 2 on [T,B,K,L,d]
    let out = x;
    blocks.forEach(({ attention, ffn }, n) => {
      if (n > 0) x = conditioned(out, 2 * n - 1); // [T,B,K,L,d]
      const attended = standardized(add(x, attention(x, mask, step))); // like x
      const h = conditioned(attended, 2 * n); // [T,B,K,L,d]
      out = standardized(add(h, ffn(h, step))); // [T,B,K,L,d]
    });
    const postponed = normAt(norms, 2 * options.blocks - 1, 1, options, step); // [T,1,K*d] or [T,B,K*d]
    return { interests: pooled(out, mask, postponed, context, step), norms };
  });
}

/** FFN(x) = W_1 ReLU(W_0 x), item by item: [.., d] -> [.., d]. */
function feedForward(name: string, dimension: number, hidden: number): Layer {
  const first = linear(`${name}.0`, { inputs: dimension, outputs: hidden, start: xavier(dimension, hidden) });
  const second = linear(`${name}.1`, { inputs: hidden, outputs: dimension, start: xavier(hidden, dimension) });
  return layer([first, second], (x, step) => {
    const flat = reshape(x, [elements(x.shape.slice(0, -1)), dimension]); // [T*B*K*L,d]
    return reshape(second(relu(first(flat, step)), step), x.shape); // [T,B,K,L,d]
  });
}

/** Standardised items [T, B, K, L, d] -> interests [T, B, K, d]: their weighted mean, then the norm that was put off. */
function pooled(items: Tensor, mask: Tensor, norm: ScaleAndShift, context: Context, step: Step): Tensor {
  const { options, sizes } = context;
  const { types, length } = context.sequences;
  const [scale, shift] = [norm.scale, norm.shift].map((numbers) =>
    reshape(numbers, [...numbers.shape.slice(0, 2), types, options.embeddingDim]),
  ); // [T,1,K,d] or [T,B,K,d]
  const weights =
    options.pooling === 'mean'
      ? div(mask, maximum(reduceSum(mask, [2], true), 1)) // [B,K,L]
      : targetWeights(items, mask, scale, context, step); // [T,B,K,L]
  const row = reshape(weights, [...weights.shape.slice(0, -1), 1, length]); // [..,B,K,1,L]
  const mean = reshape(matmul(row, items), [sizes.tasks, 'B', types, options.embeddingDim]); // [T,B,K,d]
  const someItem = reduceMax(mask, [2], true); // [B,K,1]
  return mul(add(mul(mean, scale), shift), someItem);
}

/** softmax_l(X'_l . target / sqrt(d)) over standardised items [T, B, K, L, d] -> [T, B, K, L]; the shift changes no weight. */
function targetWeights(items: Tensor, mask: Tensor, scale: Tensor, context: Context, step: Step): Tensor {
  const { tasks } = context.sizes;
  const { itemField, types, length } = context.sequences;
  const dimension = context.options.embeddingDim;
  const target = slice(step.embedding, 1, itemField * dimension, (itemField + 1) * dimension); // [B,d]
  const query = mul(scale, reshape(mul(target, 1 / Math.sqrt(dimension)), ['B', 1, dimension])); // [T,B,K,d]
  const scores = matmul(items, reshape(query, [tasks, 'B', types, dimension, 1])); // [T,B,K,L,1]
  return softmax(add(reshape(scores, [tasks, 'B', types, length]), paddingBias(mask)));
}
