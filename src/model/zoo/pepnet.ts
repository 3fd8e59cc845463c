/**
 * PEPNet (Chang et al., KDD 2023): gates from what is known beforehand. The scenario rescales the input (EPNet); user, item and the
 * like, the prior fields, rescale every hidden layer of every task's network (PPNet). Gates learn to rescale, not to change what
 * they read: no gradient passes through them to it.
 */
import { z } from 'zod';
import { concat, mul, relu, stopGradient, type Tensor } from '../../graph/index.ts';
import type { Step } from '../contract.ts';
import { embedding } from '../layers/embedding.ts';
import { fieldIndices, fieldProblems, fieldsOf, inputWidth, withPairs } from '../layers/fields.ts';
import { gateUnit } from '../layers/gate-unit.ts';
import { headTowers } from '../layers/heads.ts';
import { last, layer, widthsOf } from '../layers/layer.ts';
import { linear } from '../layers/linear.ts';
import { defineModel, network } from '../network.ts';
import { baseline, commonOptions, modelOptions, option, widths } from '../options.ts';

const fieldList = z.array(z.string()).default([]);

const options = modelOptions('pepnet', {
  dropout: commonOptions.dropout.describe(
    'share of numbers dropped after each ReLU of tasks and towers; gates keep all',
  ),
  inputFields: fieldList.describe('names of the fields that the tasks read; none: all'),
  priorFields: fieldList.describe('names of the fields that rescale hidden layers, such as user and item; none: all'),
  taskDims: widths.default([128, 64]).describe("widths of each task's rescaled layers"),
  gateDim: z.int().min(0).default(0).describe("hidden width of the input's gate; 0: as wide as the input"),
  towerDims: widths.default([]).describe('widths of the layers between the rescaled ones and an answer'),
  scenarioDim: option.scenarioDim,
  heads: option.heads('shared'),
});

export type PepnetOptions = z.output<typeof options>;

export const pepnet = defineModel({
  key: 'pepnet',
  title: 'PEPNet',
  paper:
    'PEPNet: Parameter and Embedding Personalized Network for Infusing with Personalized Prior Information, KDD 2023, arXiv 2302.01115',
  purpose: 'Rescales the input by scenario, and every hidden layer of every task by user and item.',
  equations: [
    'gate(v) = 2 sigmoid(linear_1(relu(linear_0(v))))',
    'o = gate_ep([g_s ; sg(x)]) * x                  g_s: embedding of the scenario; sg: no gradient passes',
    'q = [r ; sg(o)]                                 r: prior fields',
    'h_t0 = o    h_tl = relu(linear_tl(h_t,l-1)) * gate_tl(q)',
    'logit_t = tower_t(h_tL)',
  ].join('\n'),
  options,
  problems: ({ inputFields, priorFields }, sizes) => [
    ...fieldProblems('model.inputFields', inputFields, sizes),
    ...fieldProblems('model.priorFields', priorFields, sizes),
  ],
  ...baseline({ taskDims: [256, 128, 64] }),

  build(options, sizes) {
    const { embeddingDim, taskDims, gateDim, towerDims, scenarioDim } = options;
    const [input, prior] = [options.inputFields, options.priorFields].map((names) => fieldIndices(names, sizes));
    const [inputs, priors] = [inputWidth(options, { fields: input.length }), prior.length * embeddingDim];
    const g = embedding('scenario.embedding', { count: sizes.scenarios, width: scenarioDim });
    const gateEp = gateUnit('input.gate', { inputs: scenarioDim + inputs, hidden: gateDim || inputs, outputs: inputs });
    const tasks = widthsOf(inputs, taskDims).map((dims, i) =>
      taskLayer(`task.${i}`, sizes.tasks, dims, priors + inputs),
    );
    const towerInputs = last([inputs, ...taskDims]);
    const tower = headTowers('tower', options.heads, sizes, { inputs: towerInputs, dims: towerDims });

    return network([g, gateEp, ...tasks, tower], (step) => {
      const x = withPairs(fieldsOf(step.embedding, input, embeddingDim), input.length, options); // [B,n]
      const known = concat([g(step.scenario, step), stopGradient(x)], 1); // [B,E+n]
      const o = mul(gateEp(known, step), x); // [B,n]
      const q = concat([fieldsOf(step.embedding, prior, embeddingDim), stopGradient(o)], 1); // [B,P+n]
      const h = tasks.reduce((hidden, task) => task(hidden, q, step), o); // [T,B,w]
      const { logits, diagnostics } = tower(h, step); // [B,T]
      return { logits, diagnostics: { ...diagnostics, rescaled: o } };
    });
  },
});

/** One layer of PPNet: h [B, in] or [T, B, in] and q [B, P+n] -> [T, B, w]. A factor multiplies an activated number. */
function taskLayer(name: string, count: number, dims: { inputs: number; outputs: number }, known: number) {
  const dense = linear(name, { count, ...dims });
  const gate = gateUnit(`${name}.gate`, { count, inputs: known, hidden: dims.outputs, outputs: dims.outputs });
  return layer([dense, gate], (h: Tensor, q: Tensor, step: Step) => {
    const activated = step.dropout(relu(dense(h, step)), name); // [T,B,w]
    return mul(activated, gate(q, step)); // [T,B,w]
  });
}
