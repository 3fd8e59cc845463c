/**
 * AITM: adaptive information transfer (Xi et al., KDD 2021), for tasks of which each follows the one before (impression, click,
 * purchase). Each task attends to its own features and to a message from the task before.
 *
 * Q, K and V are the same in every step, as in the authors' code, and start from its normal(0, 0.01). Embeddings, which start so
 * there as well, are drawn like those of all models here. A message is an output o, so that it carries all tasks before.
 */
import { z } from 'zod';
import type { Tensor } from '../../graph/index.ts';
import { concat, matmul, mul, reduceSum, relu, sigmoid, slice, softmax, sub, transpose } from '../../graph/index.ts';
import type { Layer, ModelSizes, Top } from '../contract.ts';
import { inputWidth } from '../layers/fields.ts';
import { headTowers } from '../layers/heads.ts';
import { last, layer, parameter, times } from '../layers/layer.ts';
import { mlp, sideBySide } from '../layers/linear.ts';
import { weightedSum } from '../layers/mixture.ts';
import { defineModel, network } from '../network.ts';
import { baseline, modelOptions, nonNegative, option, widths } from '../options.ts';

const options = modelOptions('aitm', {
  bottomDims: widths.min(1).default([128, 64, 32]).describe("widths of each task's network before the transfer"),
  towerDims: widths.default([]).describe("widths of each task's tower before its answer"),
  towersPerScenario: z.boolean().default(false).describe('a tower for each (task, scenario) pair instead of each task'),
  calibratorWeight: z
    .union([z.literal('auto'), nonNegative])
    .default('auto')
    .describe(
      'weight of the penalty on a task more likely than the one before; auto: 0.6 where labels are ordered, else 0',
    ),
  norm: option.norm,
});

export type AitmOptions = z.output<typeof options>;

export const aitm = defineModel({
  key: 'aitm',
  title: 'AITM',
  paper:
    'Modeling the Sequential Dependence among Audience Multi-step Conversions with Multi-task Learning in Targeted Display Advertising, KDD 2021',
  purpose: 'Hands what a task has found on to the next one in an ordered chain of tasks.',
  equations: [
    'q_t = bottom_t(x)',
    'o_1 = q_1',
    'u = transfer_t(o_{t-1})                               equation 2',
    'w(v) = <Q v, K v> / sqrt(d)',
    'o_t = sum over v in {q_t, u} of softmax(w)_v V v      equations 3 to 5',
    'logit_t = tower_t(o_t)                                equation 6',
    'penalty = w_c sum_t max(p_t - p_{t-1}, 0)             equation 8',
  ].join('\n'),
  options,
  ...baseline({}),
  top,

  /** By itself the model may penalise a task that is more likely than the one before it. */
  build(options, sizes) {
    const whole = top(options, inputWidth(options, sizes), sizes);
    return network([whole], (step) => {
      const { logits } = whole(step.embedding, step); // [B,T]
      if (sizes.tasks === 1) return { logits };
      const calibrator = disorder(logits, sizes); // [B]
      const weight = calibratorWeight(options, sizes);
      const penalties: Record<string, Tensor> = weight > 0 ? { calibrator: mul(calibrator, weight) } : {};
      return { logits, penalties, diagnostics: { calibrator } };
    });
  },
});

function top({ bottomDims, towerDims, towersPerScenario, norm }: AitmOptions, inputs: number, sizes: ModelSizes): Top {
  const width = last(bottomDims);
  const bottom = mlp('bottom', { count: sizes.tasks, inputs, dims: bottomDims, norm });
  const transfers = times(sizes.tasks - 1, (t) => mlp(`transfer.${t + 1}`, { inputs: width, dims: [width], norm }));
  const attend = attention('attention', width);
  const heads = towersPerScenario ? 'product' : 'shared';
  const tower = headTowers('tower', heads, sizes, { inputs: width, dims: towerDims, norm });
  return layer([bottom, ...transfers, ...(sizes.tasks > 1 ? [attend] : []), tower], (x: Tensor, step) => {
    const q = bottom(x, step); // [T,B,d]
    const o = [slice(q, 0, 0, 1)]; // [1,B,d] each
    transfers.forEach((transfer, t) => {
      const u = transfer(o[t], step); // [1,B,d]
      o.push(attend(concat([slice(q, 0, t + 1, t + 2), u], 0), step)); // [1,B,d]
    });
    return tower(concat(o, 0), step); // [B,T]
  });
}

/** Weighs what a task has and the message from the one before: [2, B, d] -> [1, B, d]. */
function attention(name: string, width: number): Layer {
  const [query, key, value] = ['query', 'key', 'value'].map(
    (part) => parameter(`${name}.${part}.kernel`, [width, width], { kind: 'normal', deviation: 0.01 }), // the authors' code
  );
  return layer([query, key, value], (v, step) => {
    const [Q, K, V] = [query, key, value].map((kernel) => matmul(v, kernel(step))); // [2,B,d]
    const scores = mul(reduceSum(mul(Q, K), [2]), 1 / Math.sqrt(width)); // [2,B]
    const weights = softmax(transpose(scores, [1, 0])); // [B,2]
    return weightedSum(sideBySide([weights]), V); // [1,B,d]
  });
}

/** How much more likely tasks are than those before them: [B]. */
function disorder(logits: Tensor, { tasks }: ModelSizes): Tensor {
  const p = sigmoid(logits); // [B,T]
  return reduceSum(relu(sub(slice(p, 1, 1, tasks), slice(p, 1, 0, tasks - 1))), [1]);
}

/** The authors' 0.6 makes sense only where labels keep the order. */
const calibratorWeight = ({ calibratorWeight: weight }: AitmOptions, { orderedTasks }: ModelSizes): number =>
  weight === 'auto' ? (orderedTasks ? 0.6 : 0) : weight;
