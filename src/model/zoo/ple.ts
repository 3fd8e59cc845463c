/**
 * PLE: progressive layered extraction (Tang et al., RecSys 2020). Levels of own and shared experts (layers/cgc.ts); with one level
 * it is CGC. The last level has no shared gate, since nothing would read it.
 */
import { z } from 'zod';
import { cgc, cgcExperts } from '../layers/cgc.ts';
import { headCount, headTowers, ownShares } from '../layers/heads.ts';
import { last, layer } from '../layers/layer.ts';
import { defineModel, type OptionsOf } from '../network.ts';
import { baseline, modelOptions, positive, towerOptions, widths } from '../options.ts';

export const ple = defineModel({
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
  options: modelOptions('ple', {
    levels: z
      .array(widths.min(1))
      .min(1)
      .default([[128], [64]])
      .describe("for each level, widths of each of its experts; one level is CGC's"),
    specificExperts: positive.default(1).describe('experts of each head, on each level'),
    sharedExperts: positive.default(2).describe('experts that all heads share, on each level'),
    ...towerOptions([32], 'product'),
  }),
  ...baseline({ levels: [[512], [256]], specificExperts: 4, sharedExperts: 4, towerDims: [128, 64] }),

  top({ levels, specificExperts: specific, sharedExperts: shared, towerDims, heads, norm }, width, sizes) {
    const count = headCount(heads, sizes);
    const extract = levels.map((dims, l) => {
      const inputs = l === 0 ? width : last(levels[l - 1]);
      const sharedGate = l < levels.length - 1;
      return cgc(`level.${l}`, { heads: count, inputs, dims, specific, shared, norm, sharedGate });
    });
    const tower = headTowers('tower', heads, sizes, { inputs: last(last(levels)), dims: towerDims, norm });
    return layer([...extract, tower], (x, step) => {
      const [first, ...others] = extract;
      const r = others.reduce((rows, level) => level(rows, step), first({ heads: x, shared: x }, step)); // [H,B,n]
      const gates = ownShares(r.weights, heads, sizes, step, cgcExperts({ specific, shared })); // of the last level
      return { ...tower(r.heads, step), gates }; // [B,T]
    });
  },
});

export type PleOptions = OptionsOf<typeof ple>;
