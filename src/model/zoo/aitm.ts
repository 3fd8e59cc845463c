/**
 * AITM: adaptive information transfer (Xi et al., KDD 2021), for tasks of which each follows the one before (impression, click,
 * purchase). Each task attends to its own features and to a message from the task before.
 *
 * Q, K and V are the same in every step, as in the authors' code, and start from its normal(0, 0.01). Embeddings, which start so
 * there as well, are drawn like those of all models here. A message is an output o, so that it carries all tasks before.
 */
import { z } from 'zod';
import {
  concat,
  matmul,
  mul,
  reduceSum,
  relu,
  reshape,
  sigmoid,
  slice,
  softmax,
  sub,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import type {
  BufferSpec,
  ForwardInputs,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
} from '../contract.ts';
import { denseBlocks, denseBuffers, denseParameters } from '../layers/dense.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, ownHeads, towerParameters, towers, weightedSum } from '../layers/heads.ts';
import { stackedMlp, stackedMlpBuffers, stackedMlpParameters } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, normOption, presets, widths } from '../options.ts';
import { AITM_REFERENCE } from '../references/aitm.ts';

export const aitmOptions = z.strictObject({
  key: z.literal('aitm').default('aitm'),
  ...commonOptions,
  bottomDims: widths.min(1).default([128, 64, 32]).describe("widths of each task's network before the transfer"),
  towerDims: widths.default([]).describe("widths of each task's tower before its answer"),
  towersPerScenario: z.boolean().default(false).describe('a tower for each (task, scenario) pair instead of each task'),
  calibratorWeight: z
    .union([z.literal('auto'), z.number().min(0)])
    .default('auto')
    .describe(
      'weight of the penalty on a task more likely than the one before; auto: 0.6 where labels are ordered, else 0',
    ),
  norm: normOption,
});

export type AitmOptions = z.output<typeof aitmOptions>;
type Inputs = ForwardInputs<AitmOptions>;

/** Whose towers there are. */
const towerHeads = ({ towersPerScenario }: AitmOptions) => (towersPerScenario ? 'product' : 'shared');

function parts(options: AitmOptions, inputs: number, sizes: ModelSizes) {
  const { bottomDims, towerDims, norm } = options;
  const width = bottomDims.at(-1) as number;
  return {
    width,
    bottom: { count: sizes.tasks, inputs, dims: bottomDims, norm },
    transfer: { inputs: width, dims: [width], norm },
    tower: { count: headCount(towerHeads(options), sizes), inputs: width, dims: towerDims, norm },
  };
}

/** Tasks that have one before them, and the name of what carries its message. */
const transfers = ({ tasks }: ModelSizes): string[] => Array.from({ length: tasks - 1 }, (_, t) => `transfer.${t + 1}`);

/** Of a model that reads `width` numbers per row. */
function parameters(options: AitmOptions, inputs: number, sizes: ModelSizes): ParameterSpec[] {
  const { width, bottom, transfer, tower } = parts(options, inputs, sizes);
  const attention = sizes.tasks > 1 ? ['query', 'key', 'value'] : [];
  return [
    ...stackedMlpParameters('bottom', bottom),
    ...transfers(sizes).flatMap((name) => denseParameters(name, transfer)),
    ...attention.map((part) => ({
      name: `attention.${part}.kernel`,
      shape: [width, width],
      initializer: { kind: 'normal' as const, deviation: 0.01 }, // the authors' code
      group: 'weight',
    })),
    ...towerParameters('tower', tower),
  ];
}

function buffers(options: AitmOptions, sizes: ModelSizes): BufferSpec[] {
  const { bottom, transfer, tower } = parts(options, inputWidth(options, sizes), sizes);
  return [
    ...stackedMlpBuffers('bottom', bottom),
    ...transfers(sizes).flatMap((name) => denseBuffers(name, transfer)),
    ...stackedMlpBuffers('tower', tower),
  ];
}

function forward(inputs: Inputs): ForwardOutputs {
  const { options, sizes } = inputs;
  const logits = logitsOf(inputs.embedding, inputs); // [B,T]
  if (sizes.tasks === 1) return { logits };
  const calibrator = disorder(logits, sizes); // [B]
  const weight = calibratorWeight(options, sizes);
  return {
    logits,
    ...(weight > 0 && { penalties: { calibrator: mul(calibrator, weight) } }),
    diagnostics: { calibrator },
  };
}

/** x [B, in], or [T, B, in] for each task -> logits [B, T]. */
function logitsOf(x: Tensor, inputs: Inputs): Tensor {
  const { options, sizes } = inputs;
  const { bottomDims, towerDims, norm } = options;
  const q = stackedMlp(x, 'bottom', bottomDims, inputs, norm); // [T,B,d]
  const outputs = [slice(q, 0, 0, 1)]; // [1,B,d] each
  transfers(sizes).forEach((name, t) => {
    const u = denseBlocks(outputs[t], name, [bottomDims.at(-1) as number], inputs, norm); // [1,B,d]
    outputs.push(attention(concat([slice(q, 0, t + 1, t + 2), u], 0), inputs));
  });
  const answers = towers(concat(outputs, 0), 'tower', towerDims, inputs, norm); // [B,H]
  return ownHeads(answers, towerHeads(options), inputs);
}

/** Weighs what a task has and what it is told against each other: [2, B, d] -> [1, B, d]. */
function attention(v: Tensor, { parameter }: Inputs): Tensor {
  const [query, key, value] = ['query', 'key', 'value'].map((part) => matmul(v, parameter(`attention.${part}.kernel`))); // [2,B,d]
  const scores = mul(reduceSum(mul(query, key), [2]), 1 / Math.sqrt(v.shape[2] as number)); // [2,B]
  const weights = softmax(transpose(scores, [1, 0])); // [B,2]
  return weightedSum(reshape(weights, [1, 'B', 2]), value);
}

/** How much more likely tasks are than those before them: [B]. */
function disorder(logits: Tensor, { tasks }: ModelSizes): Tensor {
  const p = sigmoid(logits); // [B,T]
  return reduceSum(relu(sub(slice(p, 1, 1, tasks), slice(p, 1, 0, tasks - 1))), [1]);
}

/** The authors' 0.6 makes sense only where labels keep the order. */
const calibratorWeight = ({ calibratorWeight: weight }: AitmOptions, { orderedTasks }: ModelSizes): number =>
  weight === 'auto' ? (orderedTasks ? 0.6 : 0) : weight;

export const aitm: ModelDefinition<AitmOptions> = {
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
  options: aitmOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({}),
  parameters: (options, sizes) => parameters(options, inputWidth(options, sizes), sizes),
  buffers,
  forward,
  taskTop: { parameters, logits: logitsOf },
  reference: AITM_REFERENCE,
};
