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
  sigmoid,
  stopGradient,
  sub,
  type Tensor,
  where,
} from '../../graph/index.ts';
import type { Step } from '../contract.ts';
import { embedding } from '../layers/embedding.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, ownHeads } from '../layers/heads.ts';
import { buffer, byInputs, last, layer, parameter } from '../layers/layer.ts';
import { linear, mlpBlocks } from '../layers/linear.ts';
import { defineModel, network } from '../network.ts';
import { baseline, modelOptions, nonNegative, option, widths } from '../options.ts';

const options = modelOptions('adasparse', {
  dims: widths.min(1).default([128, 64, 32]).describe('widths of the layers'),
  scenarioDim: option.scenarioDim,
  form: z
    .enum(['binarisation', 'scaling', 'fusion'])
    .default('fusion')
    .describe('pruning factors: 0 or 1, weights, or weights that sharpen as training goes on'),
  beta: z.number().positive().default(2).describe('largest weight (scaling, fusion)'),
  epsilon: nonNegative.default(0.01).describe('factors below it become 0'),
  alpha: z.number().positive().default(1).describe('sharpness of the factors at the start (binarisation, fusion)'),
  alphaGrowth: nonNegative.default(1e-4).describe('added to alpha at every training step'),
  sparsityWeight: nonNegative
    .default(0)
    .describe("weight of the penalty on each pruner's sparsity 1 - mean(pi); 0: none"),
  sparsityRange: z
    .tuple([z.number(), z.number()])
    .refine(([least, most]) => least <= most, 'expected the smaller bound first')
    .default([0.15, 0.25])
    .describe('sparsity that is not penalised, and whose middle the penalty draws to'),
  heads: option.heads('shared'),
  norm: option.norm,
});

export type AdasparseOptions = z.output<typeof options>;

export const adasparse = defineModel({
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
  options,
  ...baseline({ dims: [512, 256, 128] }),

  build(options, sizes) {
    const { dims, scenarioDim, heads, norm } = options;
    const inputs = inputWidth(options, sizes);
    const alpha = buffer('alpha', [], options.alpha);
    const scenarioEmbedding = embedding('scenario.embedding', { count: sizes.scenarios, width: scenarioDim });
    const pruners = [inputs, ...dims].map((width, l) => pruner(`pruner.${l}`, width, alpha, options));
    const blocks = mlpBlocks('layer', { inputs: scenarioDim + inputs, dims, norm });
    const head = linear('head', { inputs: last(dims), outputs: headCount(heads, sizes) });

    return network([alpha, scenarioEmbedding, ...pruners, ...blocks, head], (step) => {
      if (step.training) alpha.set(add(alpha(step), options.alphaGrowth), step);
      const g = scenarioEmbedding(step.scenario, step); // [B,E]
      const factors = [pruners[0](g, step.embedding, step)]; // [B,D]
      let v = concat([g, mul(step.embedding, factors[0])], 1); // [B,E+D]
      blocks.forEach((dense, i) => {
        const hidden = dense(v, step); // [B,dims[i]]
        factors.push(pruners[i + 1](g, hidden, step)); // [B,dims[i]]
        v = mul(hidden, factors[i + 1]); // [B,dims[i]]
      });
      const answers = head(v, step); // [B,H]
      return {
        logits: ownHeads(answers, heads, sizes, step),
        penalties: sparsityPenalty(factors, options),
        diagnostics: { answers, ...Object.fromEntries(factors.map((pi, i) => [`factors${i}`, pi])) },
      };
    });
  },
});

/** pi of what enters a layer: g [B, E] and v [B, n] -> [B, n]. Thresholds pass no gradient. */
function pruner(name: string, width: number, alpha: ReturnType<typeof buffer>, options: AdasparseOptions) {
  const { scenarioDim, form, beta, epsilon } = options;
  const inputs = scenarioDim + width;
  const kernel = parameter(`${name}.kernel`, [inputs, width], byInputs(inputs).kernel);
  return layer([kernel], (g: Tensor, v: Tensor, step: Step) => {
    const u = matmul(concat([g, v], 1), kernel(step)); // [B,n]
    const soft = sigmoid(form === 'scaling' ? u : mul(u, alpha(step))); // [B,n]
    if (form === 'binarisation') {
      const hard = cast(greater(soft, epsilon), 'float32'); // [B,n]
      return add(soft, stopGradient(sub(hard, soft))); // straight-through: 0 or 1, with sigma's slope
    }
    const weight = mul(soft, beta); // [B,n]
    return where(less(weight, epsilon), 0, weight); // [B,n]
  });
}

/**
 * lambda sum_l (r_l - r)^2 over the pruners whose sparsity r_l = 1 - mean(pi_l) of the row lies outside the range, with r its
 * middle: [B]. The paper has the ratio; that it is taken row by row is our choice, since factors are the row's own.
 */
function sparsityPenalty(factors: readonly Tensor[], options: AdasparseOptions): Record<string, Tensor> {
  const { sparsityWeight, sparsityRange } = options;
  const [least, most] = sparsityRange;
  if (sparsityWeight === 0) return {};
  const perPruner = factors.map((pi) => {
    const off = sub(reduceMean(sub(1, pi), [1]), (least + most) / 2); // [B]
    const square = mul(off, off);
    return where(greater(square, ((most - least) / 2) ** 2), square, 0); // [B]
  });
  const all = perPruner.reduce((sum, one) => add(sum, one));
  return { sparsity: mul(all, sparsityWeight) };
}
