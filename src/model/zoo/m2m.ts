/**
 * M2M: multi-scenario multi-task meta learning (Zhang et al., CIKM 2022, arXiv 2201.06814). The scenario's vector makes the weights
 * of the attention over experts and of the towers, by meta units, which the tasks share. Behaviour sequences, which the paper
 * encodes by a transformer first, are pooled by the data's fields.
 */
import { z } from 'zod';
import type { Tensor } from '../../graph/index.ts';
import { add, cast, greater, matmul, maximum, mul, oneHot, reshape, slice, transpose } from '../../graph/index.ts';
import type { ModelSizes, Step } from '../contract.ts';
import { embedding } from '../layers/embedding.ts';
import { inputWidth } from '../layers/fields.ts';
import { headTowers } from '../layers/heads.ts';
import { type Generated, generator, ownLayer, ownProduct } from '../layers/hypernetwork.ts';
import { layer, parameter, times } from '../layers/layer.ts';
import { linear } from '../layers/linear.ts';
import { mixture } from '../layers/mixture.ts';
import { defineModel, network } from '../network.ts';
import { baseline, commonOptions, modelOptions, option, positive } from '../options.ts';

const options = modelOptions('m2m', {
  dropout: commonOptions.dropout.describe('share of numbers of experts and towers dropped after each activation'),
  experts: positive.default(4).describe('experts that all tasks share'),
  width: positive.default(16).describe('width V of experts and task vectors; attention makes (2V)^2 weights a layer'),
  scenarioWidth: positive.default(16).describe("width of the scenario's vector, out of which weights are made"),
  attentionDepth: positive.default(1).describe("layers of the attention's meta unit"),
  towerLayers: z.int().min(0).default(1).describe('residual meta units before the towers'),
  towerDepth: positive.default(1).describe('layers of each of these'),
  towerInnerActivation: z.boolean().default(true).describe('activate a meta unit before its input is added, too'),
  towerDims: option.towerDims([64, 32]),
  scenarioDim: option.scenarioDim,
  taskDim: positive.default(16).describe("numbers of a task's embedding"),
  heads: option.heads('shared'),
});

export type M2mOptions = z.output<typeof options>;

export const m2m = defineModel({
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
  options,
  ...baseline({ experts: 8, width: 32, scenarioWidth: 64 }),

  build(options, sizes) {
    const { width: V, scenarioWidth, scenarioDim, taskDim } = options;
    const { scenarios, tasks } = sizes;
    const scenarioTable = embedding('scenario.embedding', { count: scenarios, width: scenarioDim }).table;
    const scenarioVector = linear('scenario.vector', { inputs: scenarioDim, outputs: scenarioWidth });
    const taskTable = embedding('task.embedding', { count: tasks, width: taskDim }).table;
    const taskVector = linear('task.vector', { inputs: taskDim, outputs: V });
    const expert = linear('expert', { count: options.experts, inputs: inputWidth(options, sizes), outputs: V });
    const unit = (name: string, depth: number, size: number) =>
      times(depth, (i) => generator(`${name}.${i}`, { vector: scenarioWidth, inputs: size, outputs: size }));
    const attentionUnit = unit('attention', options.attentionDepth, 2 * V);
    const towerUnits = times(options.towerLayers, (j) => unit(`meta.${j}`, options.towerDepth, V));
    const attention = attentionLogits(options, sizes);
    const tower = headTowers('tower', options.heads, sizes, { inputs: V, dims: options.towerDims });

    const vectors = [scenarioTable, scenarioVector, taskTable, taskVector];
    const units = [...attentionUnit, ...towerUnits.flat()];
    return network([...vectors, expert, ...units, attention, tower], (step) => {
      const own = oneHot(step.scenario, scenarios); // [B,S]
      const s = leaky(scenarioVector(scenarioTable(step), step)); // [S,V_s]
      const generate = (made: typeof attentionUnit): Generated[] => made.map((one) => one(s, step));

      const E = step.dropout(leaky(expert(step.embedding, step)), 'expert'); // [K,B,V]
      const layers = generate(attentionUnit);
      const tau = leaky(taskVector(taskTable(step), step)); // [T,V]
      const a = attention(E, tau, layers, own, step); // [T,B,K]
      const R = mixture(a, E); // [T,B,V]
      const L = towerUnits.reduce((hidden, one) => {
        const made = metaUnit(hidden, generate(one), own, options.towerInnerActivation); // [T,B,V]
        return leaky(add(made, hidden)); // [T,B,V]
      }, R);
      return tower(L, step); // [B,T]
    });
  },
});

/** x above 0, x/10 below. A product with its own derivative, so the backward pass reuses it for free. */
const leaky = (x: Tensor): Tensor => mul(x, maximum(cast(greater(x, 0), 'float32'), 0.1));

/**
 * v_t . meta_att([E_k ; tau_t]) for every expert and task. The first layer is linear before its activation, so it takes the
 * experts' half once for all tasks and the tasks' half once for all rows: experts [K, B, V], tasks [T, V] -> [T, B, K].
 */
function attentionLogits({ experts: K, width: V }: M2mOptions, { scenarios: S, tasks: T }: ModelSizes) {
  const v = parameter('attention.vector', [T, 2 * V], { kind: 'uniform', bound: 1 / Math.sqrt(2 * V) });
  return layer([v], (E: Tensor, tau: Tensor, [first, ...rest]: Generated[], own: Tensor, step: Step) => {
    const [upper, lower] = [0, V].map((from) => slice(first.kernels, 1, from, from + V)); // [S,V,2V]
    const ofExperts = reshape(ownProduct(E, upper, own), [K, 1, 'B', 2 * V]); // [K,1,B,2V]
    const bias = reshape(first.biases, [S, 1, 2 * V]); // [S,1,2V]
    const perScenario = transpose(add(matmul(tau, lower), bias), [1, 0, 2]); // [T,S,2V]
    const hidden = leaky(add(ofExperts, matmul(own, perScenario))); // [K,T,B,2V]
    const vectors = reshape(v(step), [T, 2 * V, 1]); // [T,2V,1]
    const scores = matmul(metaUnit(hidden, rest, own), vectors); // [K,T,B,1]
    return transpose(reshape(scores, [K, T, 'B']), [1, 2, 0]); // [T,B,K]
  });
}

/** Rows [..., B, w] through the generated layers of their own scenarios. */
const metaUnit = (x: Tensor, layers: Generated[], own: Tensor, activateLast = true): Tensor =>
  layers.reduce((hidden, made, i) => {
    const next = ownLayer(hidden, made, own); // [...,B,w]
    return activateLast || i < layers.length - 1 ? leaky(next) : next;
  }, x);
