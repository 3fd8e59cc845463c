/**
 * STAR: star topology adaptive recommender (Sheng et al., CIKM 2021). Rows are normalised by scenario; every head's network is the
 * product of a shared centre and weights of its own; a side network reads the scenario directly.
 *
 * The paper has one task. With several, own weights belong to (task, scenario) pairs and the centre to all of them; the norm
 * belongs to the scenario alone. The side network sees x as it came, not normalised.
 */
import { z } from 'zod';
import { add, concat, reshape, type Tensor, transpose } from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { embedded, embeddingParameters } from '../layers/embedding.ts';
import { headCount, ownHeads } from '../layers/heads.ts';
import { linear, linearParameters, mlp, mlpParameters } from '../layers/linear.ts';
import {
  partitionedNorm,
  partitionedNormBuffers,
  partitionedNormParameters,
} from '../layers/norms/partitioned-norm.ts';
import { starNetwork, starParameters } from '../layers/star.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, presets, scenarioDimOption, widths } from '../options.ts';
import { STAR_REFERENCE } from '../references/star.ts';

const starOptions = z.strictObject({
  key: z.literal('star').default('star'),
  ...commonOptions,
  starDims: widths.default([128, 64, 32]).describe("widths of each head's star layers before its answer"),
  sideDims: widths.default([32]).describe('widths of the side network before its answers'),
  scenarioDim: scenarioDimOption,
  heads: headsOption('product'),
});

export type StarOptions = z.output<typeof starOptions>;

function parameters(options: StarOptions, sizes: ModelSizes): ParameterSpec[] {
  const { embeddingDim, starDims, sideDims, scenarioDim, heads } = options;
  const { fields, scenarios, tasks } = sizes;
  const inputs = fields * embeddingDim;
  return [
    ...partitionedNormParameters('norm', scenarios, inputs),
    ...starParameters('star', { heads: headCount(heads, sizes), inputs, dims: [...starDims, 1] }),
    ...embeddingParameters('scenario.embedding', scenarios, scenarioDim),
    ...mlpParameters('side', scenarioDim + inputs, sideDims),
    ...linearParameters(`side.${sideDims.length}`, sideDims.at(-1) ?? scenarioDim + inputs, tasks),
  ];
}

function forward(inputs: ForwardInputs<StarOptions>): ForwardOutputs {
  const { options, embedding } = inputs;
  const normed = partitionedNorm(embedding, 'norm', inputs); // [B,n]
  const stars = starNetwork(normed, 'star', [...options.starDims, 1], inputs); // [H,B,1]
  const answers = transpose(reshape(stars, [stars.shape[0], 'B']), [1, 0]); // [B,H]
  return { logits: add(ownHeads(answers, options.heads, inputs), sideLogits(inputs)) };
}

/** The side network (section 3.4): scenario and fields, not normalised, to one logit per task [B, T]. */
function sideLogits({ options, embedding, scenario, parameter, dropout }: ForwardInputs<StarOptions>): Tensor {
  const { sideDims } = options;
  const rows = concat([embedded(scenario, 'scenario.embedding', parameter), embedding], 1); // [B,E+n]
  return linear(mlp(rows, 'side', sideDims, parameter, dropout), `side.${sideDims.length}`, parameter); // [B,T]
}

export const star: ModelDefinition<StarOptions> = {
  key: 'star',
  title: 'STAR',
  paper: 'One Model to Serve All: Star Topology Adaptive Recommender for Multi-Domain CTR Prediction, CIKM 2021',
  purpose: 'Multiplies shared weights with weights of each scenario and normalises rows by scenario.',
  equations: [
    'PN(x) = (x - mean_s) / sqrt(variance_s + 1e-5) * (scale * scale_s) + (shift + shift_s)',
    'layer_h(v) = v (K * K_h) + b + b_h        relu after all but the last',
    'logit_h = star_h(PN(x)) + side([g_s ; x])_t        h = t*S + s',
  ].join('\n'),
  options: starOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ starDims: [512, 256, 128], sideDims: [128] }),
  parameters,
  buffers: ({ embeddingDim }, { fields, scenarios }) =>
    partitionedNormBuffers('norm', scenarios, fields * embeddingDim),
  forward,
  reference: STAR_REFERENCE,
};
