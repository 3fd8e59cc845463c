/**
 * PLE: progressive layered extraction (Tang et al., RecSys 2020). Levels of own and shared experts (layers/cgc.ts); with one level
 * it is CGC. The last level has no shared gate, since nothing would read it.
 */
import { z } from 'zod';
import type { Tensor } from '../../graph/index.ts';
import type {
  BufferSpec,
  ForwardInputs,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
} from '../contract.ts';
import { type CgcRows, type CgcSizes, cgc, cgcBuffers, cgcParameters } from '../layers/cgc.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, headsAsTaskTop, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import { stackedMlpBuffers } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, normOption, presets, widths } from '../options.ts';
import { PLE_REFERENCE } from '../references/ple.ts';

export const pleOptions = z.strictObject({
  key: z.literal('ple').default('ple'),
  ...commonOptions,
  levels: z
    .array(widths.min(1))
    .min(1)
    .default([[128], [64]])
    .describe("for each level, widths of each of its experts; one level is CGC's"),
  specificExperts: z.int().min(1).default(1).describe('experts of each head, on each level'),
  sharedExperts: z.int().min(1).default(2).describe('experts that all heads share, on each level'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type PleOptions = z.output<typeof pleOptions>;

/** The levels of a model that reads `width` numbers per row. */
function levelsOf(options: PleOptions, width: number, sizes: ModelSizes): CgcSizes[] {
  const { levels, specificExperts, sharedExperts, heads, norm } = options;
  return levels.map((dims, l) => ({
    heads: headCount(heads, sizes),
    inputs: l === 0 ? width : (levels[l - 1].at(-1) as number),
    dims,
    specific: specificExperts,
    shared: sharedExperts,
    norm,
    sharedGate: l < levels.length - 1,
  }));
}

const towerSizes = ({ levels, towerDims, heads, norm }: PleOptions, sizes: ModelSizes) => ({
  count: headCount(heads, sizes),
  inputs: levels.at(-1)?.at(-1) as number,
  dims: towerDims,
  norm,
});

/** Of a model that reads `width` numbers per row. */
const parameters = (options: PleOptions, width: number, sizes: ModelSizes): ParameterSpec[] => [
  ...levelsOf(options, width, sizes).flatMap((level, l) => cgcParameters(`level.${l}`, level)),
  ...towerParameters('tower', towerSizes(options, sizes)),
];

const buffers = (options: PleOptions, sizes: ModelSizes): BufferSpec[] => [
  ...levelsOf(options, inputWidth(options, sizes), sizes).flatMap((level, l) => cgcBuffers(`level.${l}`, level)),
  ...stackedMlpBuffers('tower', towerSizes(options, sizes)),
];

function forward(inputs: ForwardInputs<PleOptions>): ForwardOutputs {
  const answers = answersOf(inputs.embedding, inputs); // [B,H]
  return { logits: ownHeads(answers, inputs.options.heads, inputs), diagnostics: { answers } };
}

/** x [B, in], or [T, B, in] for the heads of each task -> the answers of all heads [B, H]. */
function answersOf(x: Tensor, inputs: ForwardInputs<PleOptions>): Tensor {
  const { options, sizes } = inputs;
  const { heads } = levelsOf(options, x.shape.at(-1) as number, sizes).reduce<CgcRows>(
    (rows, level, l) => cgc(rows, `level.${l}`, level, inputs),
    { heads: x, shared: x },
  ); // [H,B,n]
  return towers(heads, 'tower', options.towerDims, inputs, options.norm);
}

export const ple: ModelDefinition<PleOptions> = {
  key: 'ple',
  title: 'PLE',
  paper:
    'Progressive Layered Extraction (PLE): A Novel Multi-Task Learning (MTL) Model for Personalized Recommendations, RecSys 2020',
  purpose: 'Keeps experts of each head apart from experts that all share, level by level.',
  equations: [
    'P_hk = specific_hk(r_h)         r_h = r_sh = x before the first level',
    'Q_k = shared_k(r_sh)',
    "r_h' = softmax(gate_h(r_h)) . [P_h1 .. P_hn, Q_1 .. Q_m]      equations 1 to 5",
    "r_sh' = softmax(gate_sh(r_sh)) . [P_11 .. P_Hn, Q_1 .. Q_m]",
    'logit_h = tower_h(r_h)',
  ].join('\n'),
  options: pleOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ levels: [[512], [256]], specificExperts: 4, sharedExperts: 4, towerDims: [128, 64] }),
  parameters: (options, sizes) => parameters(options, inputWidth(options, sizes), sizes),
  buffers,
  forward,
  taskTop: headsAsTaskTop(parameters, answersOf),
  reference: PLE_REFERENCE,
};
