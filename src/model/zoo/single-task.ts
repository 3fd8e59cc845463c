/**
 * Single task: a network for each head, with nothing in common. The lower anchor of every comparison. Its rows come from embedding
 * tables of the head's own: a row of the table holds, one after another, what each head knows of its value.
 */
import { z } from 'zod';
import { reshape, type Tensor, transpose } from '../../graph/index.ts';
import type { ForwardInputs, ForwardOutputs, ModelDefinition, ModelSizes, ParameterSpec } from '../contract.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, headsAsTaskTop, networkPerHead, ownHeads, towerParameters, towers } from '../layers/heads.ts';
import { stackedMlp, stackedMlpBuffers, stackedMlpParameters } from '../layers/stack.ts';
import { BASELINE_TRAINING, commonOptions, headsOption, normOption, presets, widths } from '../options.ts';
import { SINGLE_TASK_REFERENCE } from '../references/single-task.ts';

export const singleTaskOptions = z.strictObject({
  key: z.literal('single-task').default('single-task'),
  ...commonOptions,
  bottomDims: widths.min(1).default([128, 64]).describe("widths of each head's network"),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  sharedEmbedding: z
    .boolean()
    .default(false)
    .describe('one embedding table for all heads; else each has its own, and the table is as many times as wide'),
  heads: headsOption('product'),
  norm: normOption,
});

export type SingleTaskOptions = z.output<typeof singleTaskOptions>;

/** Of networks that read `width` numbers per row each. */
function parameters(options: SingleTaskOptions, width: number, sizes: ModelSizes): ParameterSpec[] {
  const { bottom, tower } = networkPerHead(options, width, sizes);
  return [...stackedMlpParameters('bottom', bottom), ...towerParameters('tower', tower)];
}

function forward(inputs: ForwardInputs<SingleTaskOptions>): ForwardOutputs {
  const { options, embedding } = inputs;
  const x = options.sharedEmbedding ? embedding : ownEmbeddings(inputs); // [B,F*D] or [H,B,F*D]
  const answers = answersOf(x, inputs); // [B,H]
  return { logits: ownHeads(answers, options.heads, inputs), diagnostics: { answers } };
}

/** Each head's part of every field's embedding: [B, F*H*D] -> [H, B, F*D]. */
function ownEmbeddings({ options, sizes, embedding }: ForwardInputs<SingleTaskOptions>): Tensor {
  const [count, { fields }, { embeddingDim }] = [headCount(options.heads, sizes), sizes, options];
  const byHead = transpose(reshape(embedding, ['B', fields, count, embeddingDim]), [2, 0, 1, 3]); // [H,B,F,D]
  return reshape(byHead, [count, 'B', fields * embeddingDim]);
}

/** x [B, in] for all heads, [H, B, in] for each, or [T, B, in] for the heads of each task -> the answers of all heads [B, H]. */
function answersOf(x: Tensor, inputs: ForwardInputs<SingleTaskOptions>): Tensor {
  const { bottomDims, towerDims, norm } = inputs.options;
  return towers(stackedMlp(x, 'bottom', bottomDims, inputs, norm), 'tower', towerDims, inputs, norm);
}

export const singleTask: ModelDefinition<SingleTaskOptions> = {
  key: 'single-task',
  title: 'Single task',
  paper: 'none (the lower anchor of every comparison)',
  purpose: 'Gives each head a network and embedding tables of its own.',
  equations: ["logit_h = tower_h(bottom_h(x_h))      x_h: from the head's own tables"].join('\n'),
  options: singleTaskOptions,
  trainDefaults: BASELINE_TRAINING,
  presets: presets({ bottomDims: [1024, 512], towerDims: [256] }),
  tableDimension: ({ embeddingDim, sharedEmbedding, heads }, sizes) =>
    sharedEmbedding ? embeddingDim : headCount(heads, sizes) * embeddingDim,
  parameters: (options, sizes) => parameters(options, inputWidth(options, sizes), sizes),
  buffers: (options, sizes) => {
    const { bottom, tower } = networkPerHead(options, inputWidth(options, sizes), sizes);
    return [...stackedMlpBuffers('bottom', bottom), ...stackedMlpBuffers('tower', tower)];
  },
  forward,
  taskTop: headsAsTaskTop(parameters, answersOf),
  reference: SINGLE_TASK_REFERENCE,
};
