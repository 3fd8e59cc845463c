/**
 * AdaSparse: adaptively sparse structures (Yang et al., CIKM 2022, arXiv 2206.13108). One network for all scenarios; before
 * each layer a light pruner weighs or removes its neurons, by the row's scenario and by what enters the layer. Its sharpness
 * alpha grows with every training step, so that factors move towards 0 and beta.
 */
import { z } from 'zod';
import {
  add,
  cast,
  concat,
  greater,
  less,
  matmul,
  mul,
  reduceMean,
  relu,
  sigmoid,
  stopGradient,
  sub,
  type Tensor,
  where,
} from '../../graph/index.ts';
import type {
  BufferSpec,
  ForwardInputs,
  ForwardOutputs,
  Initializer,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
} from '../contract.ts';
import { embedded, embeddingParameters } from '../layers/embedding.ts';
import { headCount, ownHeads } from '../layers/heads.ts';
import { linear, linearParameters } from '../layers/linear.ts';
import { normalized, normalizedBuffers, normalizedParameters } from '../layers/norms/norm.ts';
import {
  BASELINE_TRAINING,
  commonOptions,
  headsOption,
  normOption,
  presets,
  scenarioDimOption,
  widths,
} from '../options.ts';
import { ADASPARSE_REFERENCE } from '../references/adasparse.ts';

const adasparseOptions = z.strictObject({
  key: z.literal('adasparse').default('adasparse'),
  ...commonOptions,
  dims: widths.min(1).default([128, 64, 32]).describe('widths of the layers'),
  scenarioDim: scenarioDimOption,
  form: z
    .enum(['binarisation', 'scaling', 'fusion'])
    .default('fusion')
    .describe('pruning factors: 0 or 1, weights, or weights that sharpen as training goes on'),
  beta: z.number().positive().default(2).describe('largest weight (scaling, fusion)'),
  epsilon: z.number().min(0).default(0.01).describe('factors below it become 0'),
  alpha: z.number().positive().default(1).describe('sharpness of the factors at the start (binarisation, fusion)'),
  alphaGrowth: z.number().min(0).default(1e-4).describe('added to alpha at every training step'),
  sparsityWeight: z
    .number()
    .min(0)
    .default(0)
    .describe("weight of the penalty on each pruner's sparsity 1 - mean(pi); 0: none"),
  sparsityRange: z
    .tuple([z.number(), z.number()])
    .refine(([least, most]) => least <= most, 'expected the smaller bound first')
    .default([0.15, 0.25])
    .describe('sparsity that is not penalised, and whose middle the penalty draws to'),
  heads: headsOption('shared'),
  norm: normOption,
});

export type AdasparseOptions = z.output<typeof adasparseOptions>;
type Inputs = ForwardInputs<AdasparseOptions>;

/** Widths of what enters each pruner: the row, then each layer's output. */
const prunedWidths = ({ embeddingDim, dims }: AdasparseOptions, { fields }: ModelSizes): number[] => [
  fields * embeddingDim,
  ...dims,
];

function parameters(options: AdasparseOptions, sizes: ModelSizes): ParameterSpec[] {
  const { scenarioDim, dims, heads, norm } = options;
  const pruned = prunedWidths(options, sizes);
  const uniform = (inputs: number): Initializer => ({ kind: 'uniform', bound: 1 / Math.sqrt(inputs) });
  return [
    ...embeddingParameters('scenario.embedding', sizes.scenarios, scenarioDim),
    ...pruned.map((width, i) => ({
      name: `pruner.${i}.kernel`,
      shape: [scenarioDim + width, width],
      initializer: uniform(scenarioDim + width),
      group: 'weight',
    })),
    ...dims.flatMap((width, i) => [
      ...linearParameters(`layer.${i}`, i === 0 ? scenarioDim + pruned[0] : dims[i - 1], width),
      ...normalizedParameters(`layer.${i}.norm`, norm, [width]),
    ]),
    ...linearParameters('head', dims.at(-1) as number, headCount(heads, sizes)),
  ];
}

const buffers = ({ dims, norm, alpha }: AdasparseOptions): BufferSpec[] => [
  { name: 'alpha', shape: [], initial: alpha },
  ...dims.flatMap((width, i) => normalizedBuffers(`layer.${i}.norm`, norm, [width])),
];

function forward(inputs: Inputs): ForwardOutputs {
  const { options, embedding, scenario, parameter, buffer, setBuffer, training } = inputs;
  if (training) setBuffer('alpha', add(buffer('alpha'), options.alphaGrowth));

  const g = embedded(scenario, 'scenario.embedding', parameter); // [B,E]
  const factors = [pruningFactors(g, embedding, 0, inputs)]; // [B,D]
  let v = concat([g, mul(embedding, factors[0])], 1); // [B,E+D]
  options.dims.forEach((_, i) => {
    const hidden = block(v, `layer.${i}`, inputs); // [B,dims[i]]
    factors.push(pruningFactors(g, hidden, i + 1, inputs));
    v = mul(hidden, factors[i + 1]); // [B,dims[i]]
  });
  const answers = linear(v, 'head', parameter); // [B,H]
  return {
    logits: ownHeads(answers, options.heads, inputs),
    penalties: sparsityPenalty(factors, options),
    diagnostics: { answers, ...Object.fromEntries(factors.map((pi, i) => [`factors${i}`, pi])) },
  };
}

/** Product, norm, ReLU, dropout: x [B, in] -> [B, n]. */
function block(x: Tensor, name: string, inputs: Inputs): Tensor {
  const product = linear(x, name, inputs.parameter); // [B,n]
  return inputs.dropout(relu(normalized(product, `${name}.norm`, inputs.options.norm, inputs)), name);
}

/** pi of what enters pruner l: v [B, n] -> [B, n]. Thresholds pass no gradient. */
function pruningFactors(g: Tensor, v: Tensor, l: number, { options, parameter, buffer }: Inputs): Tensor {
  const { form, beta, epsilon } = options;
  const u = matmul(concat([g, v], 1), parameter(`pruner.${l}.kernel`)); // [B,n]
  const soft = sigmoid(form === 'scaling' ? u : mul(u, buffer('alpha'))); // [B,n]
  if (form === 'binarisation') {
    const hard = cast(greater(soft, epsilon), 'float32'); // [B,n]
    return add(soft, stopGradient(sub(hard, soft))); // straight-through: 0 or 1, with sigma's slope
  }
  const weight = mul(soft, beta);
  return where(less(weight, epsilon), 0, weight); // [B,n]
}

/**
 * lambda sum_l (r_l - r)^2 over the pruners whose sparsity r_l = 1 - mean(pi_l) of the row lies outside the range, with r its
 * middle: [B]. The paper has the ratio; that it is taken row by row is our choice, since factors are the row's own.
 */
function sparsityPenalty(
  factors: readonly Tensor[],
  { sparsityWeight, sparsityRange: [least, most] }: AdasparseOptions,
): Record<string, Tensor> {
  if (sparsityWeight === 0) return {};
  const perPruner = factors.map((pi) => {
    const off = sub(reduceMean(sub(1, pi), [1]), (least + most) / 2); // [B]
    const square = mul(off, off);
    return where(greater(square, ((most - least) / 2) ** 2), square, 0); // [B]
  });
  const all = perPruner.reduce((sum, one) => add(sum, one));
  return { sparsity: mul(all, sparsityWeight) };
}

export const adasparse: ModelDefinition<AdasparseOptions> = {
  key: 'adasparse',
  title: 'AdaSparse',
  paper:
    'AdaSparse: Learning Adaptively Sparse Structures for Multi-Domain Click-Through Rate Prediction, CIKM 2022, arXiv 2206.13108',
  purpose: 'Shares one network between all scenarios; each row weighs or prunes its neurons by its scenario.',
  equations: [
    'u_l = [g ; v_l] P_l                                  g: embedding of the scenario',
    'pi_l = 1 where sigma(alpha u_l) > epsilon, else 0     binarisation',
    'pi_l = beta sigma(u_l), 0 below epsilon               scaling',
    'pi_l = beta sigma(alpha u_l), 0 below epsilon         fusion',
    'v_0 = pi_0 * x',
    'v_l = pi_l * block_l(v_{l-1})                         block_1 reads [g ; v_0]',
    'z = v_m W + b',
  ].join('\n'),
  options: adasparseOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ dims: [512, 256, 128] }),
  parameters,
  buffers,
  forward,
  reference: ADASPARSE_REFERENCE,
};
