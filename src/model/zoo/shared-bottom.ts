/** Shared bottom: hard parameter sharing (Caruana, Machine Learning 1997). One network for all heads, then a tower for each. */
import { bottomAndTowers } from '../layers/heads.ts';
import { defineModel, type OptionsOf } from '../network.ts';
import { baseline, modelOptions, towerOptions, widths } from '../options.ts';

export const sharedBottom = defineModel({
  key: 'shared-bottom',
  title: 'Shared bottom',
  paper: 'Multitask Learning, Machine Learning 28 (1997)',
  purpose: 'Shares one network between all heads; each head has a tower of its own.',
  equations: 'f = bottom(x)\nlogit_h = tower_h(f)',
  options: modelOptions('shared-bottom', {
    bottomDims: widths.min(1).default([128, 64]).describe('widths of the network that all heads share'),
    ...towerOptions([32], 'product'),
  }),
  smallOptions: { bottomDims: [64, 32], towerDims: [] },
  ...baseline({ bottomDims: [1024, 512], towerDims: [256] }),
  top: (options, inputs, sizes) => bottomAndTowers(options, inputs, sizes),
});

export type SharedBottomOptions = OptionsOf<typeof sharedBottom>;
