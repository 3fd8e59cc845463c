/** Shared bottom: hard parameter sharing (Caruana, Machine Learning 1997). One network for all heads, then a tower for each. */
import { z } from 'zod';
import type { Tensor } from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { denseBlocks, denseBuffers, denseParameters } from '../layers/dense.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, headsAsTaskTop, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import { stackedMlpBuffers } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, normOption, presets, widths } from '../options.ts';
import { SHARED_BOTTOM_REFERENCE } from '../references/shared-bottom.ts';

export const sharedBottomOptions = z.strictObject({
  key: z.literal('shared-bottom').default('shared-bottom'),
  ...commonOptions,
  bottomDims: widths.min(1).default([128, 64]).describe('widths of the network that all heads share'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type SharedBottomOptions = z.output<typeof sharedBottomOptions>;

function parts({ bottomDims, towerDims, heads, norm }: SharedBottomOptions, inputs: number, sizes: ModelSizes) {
  return {
    bottom: { inputs, dims: bottomDims, norm },
    tower: { count: headCount(heads, sizes), inputs: bottomDims.at(-1) as number, dims: towerDims, norm },
  };
}

/** Of a model that reads `width` numbers per row. */
function parameters(options: SharedBottomOptions, width: number, sizes: ModelSizes): ParameterSpec[] {
  const { bottom, tower } = parts(options, width, sizes);
  return [...denseParameters('bottom', bottom), ...towerParameters('tower', tower)];
}

function forward(inputs: ForwardInputs<SharedBottomOptions>): ForwardOutputs {
  const answers = answersOf(inputs.embedding, inputs); // [B,H]
  return { logits: ownHeads(answers, inputs.options.heads, inputs), diagnostics: { answers } };
}

/** x [B, in], or [T, B, in] for the heads of each task -> the answers of all heads [B, H]. */
function answersOf(x: Tensor, inputs: ForwardInputs<SharedBottomOptions>): Tensor {
  const { bottomDims, towerDims, norm } = inputs.options;
  const f = denseBlocks(x, 'bottom', bottomDims, inputs, norm); // [B,n] or [T,B,n]
  return towers(f, 'tower', towerDims, inputs, norm);
}

export const sharedBottom: ModelDefinition<SharedBottomOptions> = {
  key: 'shared-bottom',
  title: 'Shared bottom',
  paper: 'Multitask Learning, Machine Learning 28 (1997)',
  purpose: 'Shares one network between all heads; each head has a tower of its own.',
  equations: 'f = bottom(x)\nlogit_h = tower_h(f)',
  options: sharedBottomOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ bottomDims: [1024, 512], towerDims: [256] }),
  parameters: (options, sizes) => parameters(options, inputWidth(options, sizes), sizes),
  buffers: (options, sizes) => {
    const { bottom, tower } = parts(options, inputWidth(options, sizes), sizes);
    return [...denseBuffers('bottom', bottom), ...stackedMlpBuffers('tower', tower)];
  },
  forward,
  taskTop: headsAsTaskTop(parameters, answersOf),
  reference: SHARED_BOTTOM_REFERENCE,
};
