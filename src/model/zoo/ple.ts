/**
 * PLE: progressive layered extraction (Tang et al., RecSys 2020). Levels of own and shared experts (layers/cgc.ts); with one level
 * it is CGC. The last level has no shared gate, since nothing would read it.
 */
import { z } from 'zod';
import type { ModelDefinition, ModelSizes, Top } from '../contract.ts';
import { cgc } from '../layers/cgc.ts';
import { headCount, headsTop, standsAlone, towers } from '../layers/heads.ts';
import { last } from '../layers/layer.ts';
import { baseline, commonOptions, headsOption, normOption, positive, widths } from '../options.ts';

export const pleOptions = z.strictObject({
  key: z.literal('ple').default('ple'),
  ...commonOptions,
  levels: z
    .array(widths.min(1))
    .min(1)
    .default([[128], [64]])
    .describe("for each level, widths of each of its experts; one level is CGC's"),
  specificExperts: positive.default(1).describe('experts of each head, on each level'),
  sharedExperts: positive.default(2).describe('experts that all heads share, on each level'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type PleOptions = z.output<typeof pleOptions>;

function top(options: PleOptions, width: number, sizes: ModelSizes): Top {
  const { specificExperts: specific, sharedExperts: shared, towerDims, norm } = options;
  const count = headCount(options.heads, sizes);
  const levels = options.levels.map((dims, l, all) => {
    const inputs = l === 0 ? width : last(all[l - 1]);
    return cgc(`level.${l}`, { heads: count, inputs, dims, specific, shared, norm, sharedGate: l < all.length - 1 });
  });
  const tower = towers('tower', { count, inputs: last(last(options.levels)), dims: towerDims, norm });
  return headsTop([...levels, tower], options.heads, sizes, (x, step) => {
    const { heads } = levels.reduce((rows, level) => level(rows, step), { heads: x, shared: x }); // [H,B,n]
    return tower(heads, step); // [B,H]
  });
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
  ...baseline({ levels: [[512], [256]], specificExperts: 4, sharedExperts: 4, towerDims: [128, 64] }),
  ...standsAlone(top),
};
