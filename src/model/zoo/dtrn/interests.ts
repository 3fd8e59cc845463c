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
import type { ForwardInputs, ModelSizes, ParameterSpec, SequenceSizes } from '../../contract.ts';
import { paddingBias, selfAttention, selfAttentionParameters } from '../../layers/attention.ts';
import { linear, xavierParameters } from '../../layers/linear.ts';
import { type ScaleAndShift, scaleAndShift } from '../../layers/norms/conditional-norm.ts';
import { standardized } from '../../layers/norms/norm.ts';
import { normAt, normTable, normTableParameters } from './norms.ts';
import type { DtrnOptions } from './options.ts';

type Inputs = ForwardInputs<DtrnOptions>;

/** Interests [T, B, K, d], 0 for an empty sequence, and the norms that made them [T, S', K, 2N, 2, d]. */
export function interestsOf(inputs: Inputs, sequences: SequenceSizes): { interests: Tensor; norms: Tensor } {
  const { options, sizes, parameter } = inputs;
  const { types, length } = sequences;
  const { items, mask } = inputs.sequences(); // [B,K,L,d], [B,K,L]
  const norms = normTable(inputs, sequences);
  const rowWidth = types * length * options.embeddingDim;

  const conditioned = (standard: Tensor, norm: number): Tensor => {
    const rows = reshape(standard, [...standard.shape.slice(0, -3), rowWidth]); // [B,K*L*d] or [T,B,K*L*d]
    const all = scaleAndShift(rows, normAt(norms, norm, length, inputs)); // [T,B,K*L*d]
    return reshape(all, [sizes.tasks, 'B', types, length, options.embeddingDim]);
  };

  let x = options.positions ? add(items, parameter('tim.position.embedding')) : items; // [B,K,L,d], from block 2 on [T,B,K,L,d]
  for (let n = 0; ; n++) {
    const attended = standardized(add(x, selfAttention(x, mask, `tim.block.${n}`, parameter))); // like x
    const hidden = conditioned(attended, 2 * n); // [T,B,K,L,d]
    const out = standardized(add(hidden, ffn(hidden, `tim.block.${n}.ffn`, parameter))); // [T,B,K,L,d]
    if (n === options.blocks - 1)
      return { interests: pooled(out, mask, normAt(norms, 2 * n + 1, 1, inputs), sequences, inputs), norms };
    x = conditioned(out, 2 * n + 1);
  }
}

/** FFN(x) = W_1 ReLU(W_0 x), item by item: [.., d] -> [.., d]. */
function ffn(x: Tensor, name: string, parameter: Inputs['parameter']): Tensor {
  const flat = reshape(x, [elements(x.shape.slice(0, -1)), x.shape.at(-1) as number]); // [T*B*K*L,d]
  return reshape(linear(relu(linear(flat, `${name}.0`, parameter)), `${name}.1`, parameter), x.shape);
}

/** Standardised items [T, B, K, L, d] -> interests [T, B, K, d]: their weighted mean, then the norm that was put off. */
function pooled(items: Tensor, mask: Tensor, norm: ScaleAndShift, sequences: SequenceSizes, inputs: Inputs): Tensor {
  const { options, sizes } = inputs;
  const { types, length } = sequences;
  const [scale, shift] = [norm.scale, norm.shift].map((numbers) =>
    reshape(numbers, [...numbers.shape.slice(0, 2), types, options.embeddingDim]),
  ); // [T,1,K,d] or [T,B,K,d]
  const weights =
    options.pooling === 'mean'
      ? div(mask, maximum(reduceSum(mask, [2], true), 1)) // [B,K,L]
      : targetWeights(items, mask, scale, sequences, inputs); // [T,B,K,L]
  const row = reshape(weights, [...weights.shape.slice(0, -1), 1, length]); // [..,B,K,1,L]
  const mean = reshape(matmul(row, items), [sizes.tasks, 'B', types, options.embeddingDim]); // [T,B,K,d]
  const someItem = reduceMax(mask, [2], true); // [B,K,1]
  return mul(add(mul(mean, scale), shift), someItem);
}

/** softmax_l(X'_l . target / sqrt(d)) over standardised items [T, B, K, L, d] -> [T, B, K, L]; the shift changes no weight. */
function targetWeights(
  items: Tensor,
  mask: Tensor,
  scale: Tensor,
  { itemField, types, length }: SequenceSizes,
  { options, sizes, embedding }: Inputs,
): Tensor {
  const { embeddingDim: dimension } = options;
  const target = slice(embedding, 1, itemField * dimension, (itemField + 1) * dimension); // [B,d]
  const query = mul(scale, reshape(mul(target, 1 / Math.sqrt(dimension)), ['B', 1, dimension])); // [T,B,K,d]
  const scores = matmul(items, reshape(query, [sizes.tasks, 'B', types, dimension, 1])); // [T,B,K,L,1]
  return softmax(add(reshape(scores, [sizes.tasks, 'B', types, length]), paddingBias(mask)));
}

export function interestParameters(options: DtrnOptions, sizes: ModelSizes, sequences: SequenceSizes): ParameterSpec[] {
  const { embeddingDim, blocks, attentionHeads, ffnDim, positions } = options;
  const position: ParameterSpec = {
    name: 'tim.position.embedding',
    shape: [sequences.length, embeddingDim],
    initializer: { kind: 'normal', deviation: 0.01 },
    group: 'weight',
  };
  return [
    ...(positions ? [position] : []),
    ...normTableParameters(options, sizes, sequences),
    ...Array.from({ length: blocks }, (_, n) => [
      ...selfAttentionParameters(`tim.block.${n}`, embeddingDim, attentionHeads),
      ...xavierParameters(`tim.block.${n}.ffn.0`, [embeddingDim, ffnDim]),
      ...xavierParameters(`tim.block.${n}.ffn.1`, [ffnDim, embeddingDim]),
    ]).flat(),
  ];
}
