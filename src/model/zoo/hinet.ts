/**
 * HiNet: hierarchical information extraction (Zhou et al., ICDE 2023, arXiv 2303.06095). First a scenario layer: what all
 * scenarios share, what the row's own has, and what others may lend it. Then a task layer of shared and specific experts.
 *
 * The attention is a softmax over all scenarios, from which the own weight is dropped; the rest is not rescaled, as in the
 * authors' code.
 */
import { z } from 'zod';
import { concat, mul, oneHot, reshape, softmax, sub, type Tensor, transpose } from '../../graph/index.ts';
import type {
  BufferSpec,
  ForwardInputs,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
} from '../contract.ts';
import { type CgcSizes, cgc, cgcBuffers, cgcParameters } from '../layers/cgc.ts';
import { embedded, embeddingParameters } from '../layers/embedding.ts';
import { headCount, mixture, ownHeads, towerParameters, towers, weightedSum } from '../layers/heads.ts';
import { linear, linearParameters } from '../layers/linear.ts';
import {
  stackedLinear,
  stackedLinearParameters,
  stackedMlp,
  stackedMlpBuffers,
  stackedMlpParameters,
} from '../layers/stack.ts';
import {
  BASELINE_TRAINING,
  commonOptions,
  headsOption,
  normOption,
  presets,
  scenarioDimOption,
  widths,
} from '../options.ts';
import { HINET_REFERENCE } from '../references/hinet.ts';

const count = z.int().min(1);

const hinetOptions = z.strictObject({
  key: z.literal('hinet').default('hinet'),
  ...commonOptions,
  scenarioDim: scenarioDimOption,
  subExpertDims: widths.min(1).default([128, 64]).describe('widths of each sub-expert of the scenario layer'),
  sharedSubExperts: count.default(3).describe('sub-experts that all scenarios share'),
  specificSubExperts: count.default(3).describe('sub-experts of each scenario'),
  expertDims: widths.min(1).default([64]).describe('widths of each expert of the task layer'),
  sharedExperts: count.default(2).describe('experts of the task layer that all heads share'),
  specificExperts: count.default(1).describe('experts of each head in the task layer'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type HinetOptions = z.output<typeof hinetOptions>;
type Inputs = ForwardInputs<HinetOptions>;

/** Sizes of the two layers and the towers. */
function partsOf(options: HinetOptions, sizes: ModelSizes) {
  const { embeddingDim, subExpertDims, expertDims, towerDims, norm } = options;
  const heads = headCount(options.heads, sizes);
  const subExpert = { inputs: sizes.fields * embeddingDim, dims: subExpertDims, norm };
  const task: CgcSizes = {
    heads,
    inputs: 3 * (subExpertDims.at(-1) as number),
    dims: expertDims,
    specific: options.specificExperts,
    shared: options.sharedExperts,
    norm,
  };
  return {
    shared: { count: options.sharedSubExperts, ...subExpert },
    specific: { count: sizes.scenarios * options.specificSubExperts, ...subExpert },
    task,
    tower: { count: heads, inputs: expertDims.at(-1) as number, dims: towerDims, norm },
  };
}

function parameters(options: HinetOptions, sizes: ModelSizes): ParameterSpec[] {
  const { shared, specific, task, tower } = partsOf(options, sizes);
  const { scenarios } = sizes;
  return [
    ...stackedMlpParameters('shared', shared),
    ...linearParameters('shared.gate', shared.inputs, options.sharedSubExperts),
    ...stackedMlpParameters('specific', specific),
    ...stackedLinearParameters('specific.gate', scenarios, specific.inputs, options.specificSubExperts),
    ...embeddingParameters('scenario.embedding', scenarios, options.scenarioDim),
    ...linearParameters('attention', options.scenarioDim, scenarios),
    ...cgcParameters('task', task),
    ...towerParameters('tower', tower),
  ];
}

function buffers(options: HinetOptions, sizes: ModelSizes): BufferSpec[] {
  const { shared, specific, task, tower } = partsOf(options, sizes);
  return [
    ...stackedMlpBuffers('shared', shared),
    ...stackedMlpBuffers('specific', specific),
    ...cgcBuffers('task', task),
    ...stackedMlpBuffers('tower', tower),
  ];
}

function forward(inputs: Inputs): ForwardOutputs {
  const { options, sizes } = inputs;
  const { task } = partsOf(options, sizes);
  const c = scenarioLayer(inputs); // [B,3n]
  const { heads } = cgc({ heads: c, shared: c }, 'task', task, inputs); // [H,B,m]
  const answers = towers(heads, 'tower', options.towerDims, inputs, options.norm); // [B,H]
  return { logits: ownHeads(answers, options.heads, inputs), diagnostics: { answers, scenarioLayer: c } };
}

/** [A ; own ; G], each n wide: [B, 3n]. */
function scenarioLayer(inputs: Inputs): Tensor {
  const { options, sizes, embedding: x, parameter } = inputs;
  const { subExpertDims: dims, specificSubExperts, norm } = options;
  const width = dims.at(-1) as number;

  const gate = reshape(linear(x, 'shared.gate', parameter), [1, 'B', options.sharedSubExperts]);
  const G = mixture(gate, stackedMlp(x, 'shared', dims, inputs, norm)); // [1,B,n]
  const subExperts = reshape(stackedMlp(x, 'specific', dims, inputs, norm), [
    sizes.scenarios,
    specificSubExperts,
    'B',
    width,
  ]);
  const P = mixture(stackedLinear(x, 'specific.gate', parameter), subExperts); // [S,B,n]
  const transferAndOwn = weightedSum(scenarioWeights(inputs), P); // [2,B,n]
  return reshape(transpose(concat([transferAndOwn, G], 0), [1, 0, 2]), ['B', 3 * width]); // [B,3n]
}

/** How a row weighs every scenario's P, for A and for its own: [2, B, S]. */
function scenarioWeights({ sizes, scenario, parameter }: Inputs): Tensor {
  const { scenarios } = sizes;
  const own = oneHot(scenario, scenarios); // [B,S]
  const attention = softmax(linear(embedded(scenario, 'scenario.embedding', parameter), 'attention', parameter)); // [B,S]
  const others = mul(attention, sub(1, own)); // [B,S]
  return concat(
    [others, own].map((weights) => reshape(weights, [1, 'B', scenarios])),
    0,
  );
}

export const hinet: ModelDefinition<HinetOptions> = {
  key: 'hinet',
  title: 'HiNet',
  paper:
    'HiNet: Novel Multi-Scenario & Multi-Task Learning with Hierarchical Information Extraction, ICDE 2023, arXiv 2303.06095',
  purpose:
    'Extracts shared, own and transferred knowledge by scenario first, then shared and specific knowledge by task.',
  equations: [
    'SEI(x) = sum_k softmax(x W + b)_k expert_k(x)     sub-expert integration',
    'G = SEI_shared(x)',
    'P_s = SEI_s(x)                                    for every scenario s; own = P_s of the row',
    'a = softmax(W emb(own) + b)                       over all scenarios',
    'A = sum of a_s P_s                                over the others',
    'logit_h = tower_h(CGC_h([A ; own ; G]))           task layer',
  ].join('\n'),
  options: hinetOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({
    scenarioDim: 64,
    sharedSubExperts: 5,
    specificSubExperts: 5,
    expertDims: [128, 64],
    specificExperts: 2,
    towerDims: [128, 64],
  }),
  parameters,
  buffers,
  forward,
  reference: HINET_REFERENCE,
};
