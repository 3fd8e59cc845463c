/**
 * Single task: a network for each head, with nothing in common. The lower anchor of every comparison. Its rows come from embedding
 * tables of the head's own: a row of the table holds, one after another, what each head knows of its value.
 */
import { z } from 'zod';
import { reshape, transpose } from '../../graph/index.ts';
import type { ModelSizes, Step, Top } from '../contract.ts';
import { inputWidth, withPairs } from '../layers/fields.ts';
import { bottomAndTowers, headCount } from '../layers/heads.ts';
import { defineModel, network } from '../network.ts';
import { baseline, modelOptions, towerOptions, widths } from '../options.ts';

const options = modelOptions('single-task', {
  bottomDims: widths.min(1).default([128, 64]).describe("widths of each head's network"),
  sharedEmbedding: z
    .boolean()
    .default(false)
    .describe('one embedding table for all heads; else each has its own, and the table is as many times as wide'),
  ...towerOptions([32], 'product'),
});

export type SingleTaskOptions = z.output<typeof options>;

export const singleTask = defineModel({
  key: 'single-task',
  title: 'Single task',
  paper: 'none (the lower anchor of every comparison)',
  purpose: 'Gives each head a network and embedding tables of its own.',
  equations: "logit_h = tower_h(bottom_h(x_h))      x_h: from the head's own tables",
  options,
  ...baseline({ bottomDims: [1024, 512], towerDims: [256] }),
  top,

  /** Where embeddings are not shared, each field's holds a part for each head: [B, F*H*D] -> [H, B, F*D]. */
  build(options, sizes) {
    const [count, width] = [headCount(options.heads, sizes), inputWidth(options, sizes)];
    const whole = top(options, width, sizes);
    if (options.sharedEmbedding) return network([whole], (step) => whole(step.embedding, step));
    const forward = (step: Step) => {
      const byField = reshape(step.embedding, ['B', sizes.fields, count, options.embeddingDim]);
      const flat = [count, 'B', sizes.fields * options.embeddingDim] as const;
      const x = reshape(transpose(byField, [2, 0, 1, 3]), flat); // [H,B,F*D]
      return whole(withPairs(x, sizes.fields, options), step); // [B,T]
    };
    return network([whole], forward, { dimension: count * options.embeddingDim });
  },
});

/** x [B, in] for all heads, [H, B, in] for each, or [T, B, in] for the heads of each task. */
function top(options: SingleTaskOptions, inputs: number, sizes: ModelSizes): Top {
  return bottomAndTowers(options, inputs, sizes, headCount(options.heads, sizes));
}
