/** Shared bottom: hard parameter sharing (Caruana, Machine Learning 1997). One network for all heads, then a tower for each. */
import { headTowers } from '../layers/heads.ts';
import { last, layer } from '../layers/layer.ts';
import { mlp } from '../layers/linear.ts';
import { defineModel, type OptionsOf } from '../network.ts';
import { baseline, modelOptions, option, widths } from '../options.ts';

export const sharedBottom = defineModel({
  key: 'shared-bottom',
  title: 'Shared bottom',
  paper: 'Multitask Learning, Machine Learning 28 (1997)',
  purpose: 'Shares one network between all heads; each head has a tower of its own.',
  equations: 'f = bottom(x)\nlogit_h = tower_h(f)',
  options: modelOptions('shared-bottom', {
    bottomDims: widths.min(1).default([128, 64]).describe('widths of the network that all heads share'),
    towerDims: option.towerDims([32]),
    heads: option.heads('product'),
    norm: option.norm,
  }),
  ...baseline({ bottomDims: [1024, 512], towerDims: [256] }),

  top({ bottomDims, towerDims, heads, norm }, inputs, sizes) {
    const bottom = mlp('bottom', { inputs, dims: bottomDims, norm });
    const tower = headTowers('tower', heads, sizes, { inputs: last(bottomDims), dims: towerDims, norm });
    return layer([bottom, tower], (x, step) => {
      const f = bottom(x, step); // [B,n] or [T,B,n]
      return tower(f, step); // [B,T]
    });
  },
});

export type SharedBottomOptions = OptionsOf<typeof sharedBottom>;
