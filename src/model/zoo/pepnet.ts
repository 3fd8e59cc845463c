/**
 * PEPNet (Chang et al., KDD 2023): gates from what is known beforehand. The scenario rescales the input (EPNet); user, item and the
 * like, the prior fields, rescale every hidden layer of every task's network (PPNet). Gates learn to rescale, not to change what
 * they read: no gradient passes through them to it.
 */
import { z } from 'zod';
import { concat, mul, relu, stopGradient, type Tensor } from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { embedded, embeddingParameters } from '../layers/embedding.ts';
import { fieldIndices, fieldProblems, fieldsOf } from '../layers/fields.ts';
import { gateUnit, gateUnitParameters, stackedGateUnit, stackedGateUnitParameters } from '../layers/gate-unit.ts';
import { headCount, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import { stackedLinear, stackedLinearParameters } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, presets, scenarioDimOption, widths } from '../options.ts';
import { PEPNET_REFERENCE } from '../references/pepnet.ts';

const fieldList = z.array(z.string()).default([]);

const pepnetOptions = z.strictObject({
  key: z.literal('pepnet').default('pepnet'),
  embeddingDim: commonOptions.embeddingDim,
  dropout: commonOptions.dropout.describe(
    'share of numbers dropped after each ReLU of tasks and towers; gates keep all',
  ),
  inputFields: fieldList.describe('names of the fields that the tasks read; none: all'),
  priorFields: fieldList.describe('names of the fields that rescale hidden layers, such as user and item; none: all'),
  taskDims: widths.default([128, 64]).describe("widths of each task's rescaled layers"),
  gateDim: z.int().min(0).default(0).describe("hidden width of the input's gate; 0: as wide as the input"),
  towerDims: widths.default([]).describe('widths of the layers between the rescaled ones and an answer'),
  scenarioDim: scenarioDimOption,
  heads: headsOption('shared'),
});

export type PepnetOptions = z.output<typeof pepnetOptions>;

type Inputs = ForwardInputs<PepnetOptions>;

/** Fields of the input and of the prior, and how many numbers they have. */
function parts({ inputFields, priorFields, embeddingDim }: PepnetOptions, sizes: ModelSizes) {
  const [input, prior] = [inputFields, priorFields].map((names) => fieldIndices(names, sizes));
  return { input, prior, inputs: input.length * embeddingDim, priors: prior.length * embeddingDim };
}

function parameters(options: PepnetOptions, sizes: ModelSizes): ParameterSpec[] {
  const { taskDims, gateDim, towerDims, scenarioDim, heads } = options;
  const { scenarios, tasks } = sizes;
  const { inputs, priors } = parts(options, sizes);
  const before = [inputs, ...taskDims];
  return [
    ...embeddingParameters('scenario.embedding', scenarios, scenarioDim),
    ...gateUnitParameters('input.gate', { inputs: scenarioDim + inputs, hidden: gateDim || inputs, outputs: inputs }),
    ...taskDims.flatMap((outputs, i) => [
      ...stackedLinearParameters(`task.${i}`, tasks, before[i], outputs),
      ...stackedGateUnitParameters(`task.${i}.gate`, tasks, { inputs: priors + inputs, hidden: outputs, outputs }),
    ]),
    ...towerParameters('tower', {
      count: headCount(heads, sizes),
      inputs: before.at(-1) as number,
      dims: towerDims,
    }),
  ];
}

function forward(inputs: Inputs): ForwardOutputs {
  const { options, sizes, embedding } = inputs;
  const { input, prior } = parts(options, sizes);
  const x = fieldsOf(embedding, input, options.embeddingDim); // [B,n]
  const rescaled = rescaledInput(x, inputs); // [B,n]
  const known = concat([fieldsOf(embedding, prior, options.embeddingDim), stopGradient(rescaled)], 1); // [B,P+n]
  const answers = towers(taskNetworks(rescaled, known, inputs), 'tower', options.towerDims, inputs); // [B,H]
  return { logits: ownHeads(answers, options.heads, inputs), diagnostics: { answers, rescaled } };
}

/** EPNet: x [B, n] times the scenario's factors. */
function rescaledInput(x: Tensor, { scenario, parameter }: Inputs): Tensor {
  const known = concat([embedded(scenario, 'scenario.embedding', parameter), stopGradient(x)], 1); // [B,E+n]
  return mul(gateUnit(known, 'input.gate', parameter), x); // [B,n]
}

/** PPNet: o [B, n] and q [B, P+n] -> the last layer of each task [T, B, w]. A factor multiplies an activated number. */
const taskNetworks = (o: Tensor, q: Tensor, { options, parameter, dropout }: Inputs): Tensor =>
  options.taskDims.reduce((hidden, _, i) => {
    const layer = `task.${i}`;
    const activated = dropout(relu(stackedLinear(hidden, layer, parameter)), layer); // [T,B,w]
    return mul(activated, stackedGateUnit(q, `${layer}.gate`, parameter)); // [T,B,w]
  }, o);

export const pepnet: ModelDefinition<PepnetOptions> = {
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
  options: pepnetOptions,
  problems: ({ inputFields, priorFields }, sizes) => [
    ...fieldProblems('model.inputFields', inputFields, sizes),
    ...fieldProblems('model.priorFields', priorFields, sizes),
  ],
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ taskDims: [256, 128, 64] }),
  parameters,
  forward,
  reference: PEPNET_REFERENCE,
};
