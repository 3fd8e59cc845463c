/** Shared bottom: hard parameter sharing (Caruana, Machine Learning 1997). One network for all heads, then a tower for each. */
import { z } from 'zod';
import type { ModelDefinition, ModelSizes, Top } from '../contract.ts';
import { headCount, headsTop, standsAlone, towers } from '../layers/heads.ts';
import { last } from '../layers/layer.ts';
import { mlp } from '../layers/linear.ts';
import { baseline, commonOptions, headsOption, normOption, widths } from '../options.ts';

export const sharedBottomOptions = z.strictObject({
  key: z.literal('shared-bottom').default('shared-bottom'),
  ...commonOptions,
  bottomDims: widths.min(1).default([128, 64]).describe('widths of the network that all heads share'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type SharedBottomOptions = z.output<typeof sharedBottomOptions>;

function top({ bottomDims, towerDims, heads, norm }: SharedBottomOptions, inputs: number, sizes: ModelSizes): Top {
  const bottom = mlp('bottom', { inputs, dims: bottomDims, norm });
  const tower = towers('tower', { count: headCount(heads, sizes), inputs: last(bottomDims), dims: towerDims, norm });
  return headsTop([bottom, tower], heads, sizes, (x, step) => {
    const f = bottom(x, step); // [B,n] or [T,B,n]
    return tower(f, step); // [B,H]
  });
}

export const sharedBottom: ModelDefinition<SharedBottomOptions> = {
  key: 'shared-bottom',
  title: 'Shared bottom',
  paper: 'Multitask Learning, Machine Learning 28 (1997)',
  purpose: 'Shares one network between all heads; each head has a tower of its own.',
  equations: 'f = bottom(x)\nlogit_h = tower_h(f)',
  options: sharedBottomOptions,
  ...baseline({ bottomDims: [1024, 512], towerDims: [256] }),
  ...standsAlone(top),
};
