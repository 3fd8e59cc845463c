/**
 * Cross-stitch (Misra et al., CVPR 2016, arXiv 1604.03539): a network for each head, side by side. After each layer a cross-stitch
 * unit hands every head a learned combination of what all heads have made, so that how much is shared is learned layer by layer.
 *
 * A unit has one number for each pair of heads and starts as the paper's does: mostly the own network, a little of the others, as
 * a convex combination. What is learned is the difference from that start, so that L2 pulls towards it, not towards 0.
 */
import { z } from 'zod';
import { add, matmul, reshape } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { headCount, headTowers } from '../layers/heads.ts';
import { last, layer, parameter, times } from '../layers/layer.ts';
import { mlpBlocks } from '../layers/linear.ts';
import { defineModel } from '../network.ts';
import { baseline, modelOptions, towerOptions, widths } from '../options.ts';

export const crossStitch = defineModel({
  key: 'cross-stitch',
  title: 'Cross-stitch',
  paper: 'Cross-stitch Networks for Multi-task Learning, CVPR 2016, arXiv 1604.03539',
  purpose: 'Lets networks of all heads exchange what they have made after each layer, as much as pays.',
  equations: [
    "x_h^l = block_h^l(x~_h^(l-1))           x~_h^0 = the row's embeddings",
    'x~_h^l = sum_j alpha_hj^l x_j^l         equation 1',
    'logit_h = tower_h(x~_h^L)',
  ].join('\n'),
  options: modelOptions('cross-stitch', {
    bottomDims: widths
      .min(1)
      .default([128, 64])
      .describe("widths of each head's network, with a cross-stitch unit after each layer"),
    ownShare: z
      .number()
      .min(0)
      .max(1)
      .default(0.9)
      .describe("what a unit takes of the head's own network at the start; the others share the rest evenly"),
    ...towerOptions([32], 'product'),
  }),
  ...baseline({ bottomDims: [512, 256], towerDims: [128, 64] }),

  top({ bottomDims, towerDims, ownShare, heads, norm }, inputs, sizes) {
    const count = headCount(heads, sizes);
    const blocks = mlpBlocks('bottom', { count, inputs, dims: bottomDims, norm });
    const units = bottomDims.map((_, l) => crossStitchUnit(`stitch.${l}`, count, ownShare));
    const tower = headTowers('tower', heads, sizes, { inputs: last(bottomDims), dims: towerDims, norm });
    return layer([...blocks, ...units, tower], (x, step) => {
      const stitched = blocks.reduce((hidden, block, l) => {
        const own = block(hidden, step); // [H,B,n]
        return units[l](own, step); // [H,B,n]
      }, x);
      return tower(stitched, step); // [B,T]
    });
  },
});

/** x~_h = sum_j alpha_hj x_j, equation 1 of the paper for any number of networks: [H, B, n] -> [H, B, n]. */
function crossStitchUnit(name: string, count: number, ownShare: number): Layer {
  const difference = parameter(`${name}.kernel`, [count, count], { kind: 'zeros' });
  const [own, other] = count === 1 ? [1, 0] : [ownShare, (1 - ownShare) / (count - 1)]; // each row adds up to 1
  const start = times(count * count, (i) => (i % (count + 1) === 0 ? own : other));
  return layer([difference], (x, step) => {
    const width = x.shape[2] as number;
    const alpha = add(x.graph.constant(start, [count, count]), difference(step)); // [H,H]
    return reshape(matmul(alpha, reshape(x, [count, `${width}B`])), [count, 'B', width]); // [H,B,n]
  });
}
