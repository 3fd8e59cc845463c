/**
 * M2M: multi-scenario multi-task meta learning (Zhang et al., CIKM 2022, arXiv 2201.06814). The scenario's vector makes the weights
 * of the attention over experts and of the towers, by meta units, which the tasks share. Behaviour sequences, which the paper
 * encodes by a transformer first, are pooled by the data's fields.
 */
import { z } from 'zod';
import { add, matmul, oneHot, reshape, slice, type Tensor, transpose } from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { leakyRelu } from '../layers/activation.ts';
import { embeddingParameters } from '../layers/embedding.ts';
import { headCount, mixture, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import {
  type GeneratedLayer,
  generatedLayer,
  generatedLayerParameters,
  ownLayer,
  ownProduct,
} from '../layers/hypernetwork.ts';
import { linear, linearParameters } from '../layers/linear.ts';
import { stackedLinear, stackedLinearParameters } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, presets, scenarioDimOption, widths } from '../options.ts';
import { M2M_REFERENCE } from '../references/m2m.ts';

const count = z.int().min(1);

const m2mOptions = z.strictObject({
  key: z.literal('m2m').default('m2m'),
  embeddingDim: commonOptions.embeddingDim,
  dropout: commonOptions.dropout.describe('share of numbers of experts and towers dropped after each activation'),
  experts: count.default(4).describe('experts that all tasks share'),
  width: count.default(16).describe('width V of experts and task vectors; attention makes (2V)^2 weights a layer'),
  scenarioWidth: count.default(16).describe("width of the scenario's vector, out of which weights are made"),
  attentionDepth: count.default(1).describe("layers of the attention's meta unit"),
  towerLayers: z.int().min(0).default(1).describe('residual meta units before the towers'),
  towerDepth: count.default(1).describe('layers of each of these'),
  towerInnerActivation: z.boolean().default(true).describe('activate a meta unit before its input is added, too'),
  towerDims: widths.default([64, 32]).describe("widths of each head's tower before its answer"),
  scenarioDim: scenarioDimOption,
  taskDim: count.default(16).describe("numbers of a task's embedding"),
  heads: headsOption('shared'),
});

export type M2mOptions = z.output<typeof m2mOptions>;

type Inputs = ForwardInputs<M2mOptions>;

const leaky = (x: Tensor): Tensor => leakyRelu(x, 0.1);

/** Names of the generated layers, and their widths: attention sees an expert beside a task. */
const metaLayers = ({ width, attentionDepth, towerLayers, towerDepth }: M2mOptions) => {
  const unit = (name: string, depth: number) => Array.from({ length: depth }, (_, i) => `${name}.${i}`);
  return {
    attention: { width: 2 * width, names: unit('attention', attentionDepth) },
    towers: Array.from({ length: towerLayers }, (_, j) => ({ width, names: unit(`meta.${j}`, towerDepth) })),
  };
};

function parameters(options: M2mOptions, sizes: ModelSizes): ParameterSpec[] {
  const { embeddingDim, experts, width, scenarioWidth, scenarioDim, taskDim, towerDims, heads } = options;
  const { attention, towers } = metaLayers(options);
  const vectors: ParameterSpec = {
    name: 'attention.vector',
    shape: [sizes.tasks, 2 * width],
    initializer: { kind: 'uniform', bound: 1 / Math.sqrt(2 * width) },
    group: 'weight',
  };
  return [
    ...embeddingParameters('scenario.embedding', sizes.scenarios, scenarioDim),
    ...linearParameters('scenario.vector', scenarioDim, scenarioWidth),
    ...embeddingParameters('task.embedding', sizes.tasks, taskDim),
    ...linearParameters('task.vector', taskDim, width),
    ...stackedLinearParameters('expert', experts, sizes.fields * embeddingDim, width),
    ...[attention, ...towers].flatMap(({ width: size, names }) =>
      names.flatMap((name) => generatedLayerParameters(name, { vector: scenarioWidth, inputs: size, outputs: size })),
    ),
    vectors,
    ...towerParameters('tower', { count: headCount(heads, sizes), inputs: width, dims: towerDims }),
  ];
}

function forward(inputs: Inputs): ForwardOutputs {
  const { options, sizes, embedding, scenario, parameter, dropout } = inputs;
  const own = oneHot(scenario, sizes.scenarios); // [B,S]
  const scenarios = leaky(linear(parameter('scenario.embedding'), 'scenario.vector', parameter)); // [S,V_s]
  const generated = ({ width, names }: { width: number; names: string[] }): GeneratedLayer[] =>
    names.map((name) => generatedLayer(scenarios, name, { inputs: width, outputs: width }, parameter));
  const { attention, towers: units } = metaLayers(options);

  const experts = dropout(leaky(stackedLinear(embedding, 'expert', parameter)), 'expert'); // [K,B,V]
  const scores = attentionLogits(experts, generated(attention), own, inputs); // [T,B,K]
  const mixed = mixture(scores, experts); // [T,B,V]
  const last = units.reduce((hidden, unit) => {
    const made = metaUnit(hidden, generated(unit), own, options.towerInnerActivation); // [T,B,V]
    return leaky(add(made, hidden));
  }, mixed); // [T,B,V]
  const answers = towers(last, 'tower', options.towerDims, inputs); // [B,H]
  return { logits: ownHeads(answers, options.heads, inputs), diagnostics: { answers } };
}

/**
 * v_t . meta_att([E_k ; tau_t]) for every expert and task. The first layer is linear before its activation, so it takes the
 * experts' half once for all tasks and the tasks' half once for all rows: experts [K, B, V] -> [T, B, K].
 */
function attentionLogits(
  experts: Tensor,
  [first, ...rest]: GeneratedLayer[],
  own: Tensor,
  { options, sizes, parameter }: Inputs,
): Tensor {
  const { experts: count, width } = options;
  const tasks = leaky(linear(parameter('task.embedding'), 'task.vector', parameter)); // [T,V]
  const [upper, lower] = [0, width].map((from) => slice(first.kernels, 1, from, from + width)); // [S,V,2V]
  const ofExperts = reshape(ownProduct(experts, upper, own), [count, 1, 'B', 2 * width]); // [K,1,B,2V]
  const bias = reshape(first.biases, [sizes.scenarios, 1, 2 * width]); // [S,1,2V]
  const perScenario = transpose(add(matmul(tasks, lower), bias), [1, 0, 2]); // [T,S,2V]
  const hidden = leaky(add(ofExperts, matmul(own, perScenario))); // [K,T,B,2V]
  const vectors = reshape(parameter('attention.vector'), [sizes.tasks, 2 * width, 1]); // [T,2V,1]
  const scores = matmul(metaUnit(hidden, rest, own), vectors); // [K,T,B,1]
  return transpose(reshape(scores, [count, sizes.tasks, 'B']), [1, 2, 0]); // [T,B,K]
}

/** Rows [..., B, w] through the generated layers of their own scenarios. */
const metaUnit = (x: Tensor, layers: GeneratedLayer[], own: Tensor, activateLast = true): Tensor =>
  layers.reduce((hidden, layer, i) => {
    const next = ownLayer(hidden, layer, own); // [...,B,w]
    return activateLast || i < layers.length - 1 ? leaky(next) : next;
  }, x);

export const m2m: ModelDefinition<M2mOptions> = {
  key: 'm2m',
  title: 'M2M',
  paper:
    'Leaving No One Behind: A Multi-Scenario Multi-Task Meta Learning Approach for Advertiser Modeling, CIKM 2022, arXiv 2201.06814',
  purpose: 'Makes the weights of attention and towers out of the scenario.',
  equations: [
    "meta(h): h <- leaky(h W_i + b_i), i = 1..n        W_i, b_i linear in the scenario's vector",
    'a_t = softmax_k(v_t . meta_att([E_k ; tau_t]))    E_k: experts, tau_t: task vectors',
    'R_t = sum_k a_tk E_k',
    'L_0 = R_t    L_j = leaky(meta_j(L_j-1) + L_j-1)',
    'logit_t = tower_t(L_J)',
  ].join('\n'),
  options: m2mOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ experts: 8, width: 32, scenarioWidth: 64 }),
  parameters,
  forward,
  reference: M2M_REFERENCE,
};
