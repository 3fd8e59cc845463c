/**
 * Single task: a network for each head, with nothing in common. The lower anchor of every comparison. Its rows come from embedding
 * tables of the head's own: a row of the table holds, one after another, what each head knows of its value.
 */
import { z } from 'zod';
import { reshape, transpose } from '../../graph/index.ts';
import type { ModelDefinition, ModelSizes, Network, Top } from '../contract.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, headsTop, towers } from '../layers/heads.ts';
import { last } from '../layers/layer.ts';
import { mlp } from '../layers/linear.ts';
import { network } from '../network.ts';
import { baseline, commonOptions, headsOption, normOption, widths } from '../options.ts';

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

/** x [B, in] for all heads, [H, B, in] for each, or [T, B, in] for the heads of each task. */
function top({ bottomDims, towerDims, heads, norm }: SingleTaskOptions, inputs: number, sizes: ModelSizes): Top {
  const count = headCount(heads, sizes);
  const bottom = mlp('bottom', { count, inputs, dims: bottomDims, norm });
  const tower = towers('tower', { count, inputs: last(bottomDims), dims: towerDims, norm });
  return headsTop([bottom, tower], heads, sizes, (x, step) => tower(bottom(x, step), step));
}

/** Where embeddings are not shared, each field's holds a part for each head: [B, F*H*D] -> [H, B, F*D]. */
function build(options: SingleTaskOptions, sizes: ModelSizes): Network {
  const { embeddingDim, sharedEmbedding, heads } = options;
  const [count, width] = [headCount(heads, sizes), inputWidth(options, sizes)];
  const whole = top(options, width, sizes);
  if (sharedEmbedding) return network([whole], (step) => whole(step.embedding, step));
  return network(
    [whole],
    (step) => {
      const byField = reshape(step.embedding, ['B', sizes.fields, count, embeddingDim]);
      const x = reshape(transpose(byField, [2, 0, 1, 3]), [count, 'B', width]); // [H,B,F*D]
      return whole(x, step);
    },
    { dimension: count * embeddingDim },
  );
}

export const singleTask: ModelDefinition<SingleTaskOptions> = {
  key: 'single-task',
  title: 'Single task',
  paper: 'none (the lower anchor of every comparison)',
  purpose: 'Gives each head a network and embedding tables of its own.',
  equations: "logit_h = tower_h(bottom_h(x_h))      x_h: from the head's own tables",
  options: singleTaskOptions,
  ...baseline({ bottomDims: [1024, 512], towerDims: [256] }),
  build,
  top,
};
