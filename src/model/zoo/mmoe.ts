/** MMoE: multi-gate mixture of experts (Ma et al., KDD 2018). All heads share the experts; each mixes them by a gate of its own. */
import { softmax } from '../../graph/index.ts';
import { headCount, headTowers, ownShares } from '../layers/heads.ts';
import { last, layer } from '../layers/layer.ts';
import { forEachMember, linear, mlp } from '../layers/linear.ts';
import { weightedSum } from '../layers/mixture.ts';
import { defineModel, type OptionsOf } from '../network.ts';
import { baseline, modelOptions, positive, towerOptions, widths } from '../options.ts';

export const mmoe = defineModel({
  key: 'mmoe',
  title: 'MMoE',
  paper: 'Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts, KDD 2018',
  purpose: 'Shares experts between all heads; each head mixes them by its own gate.',
  equations: ['E_k = expert_k(x)', 'f_h = sum_k softmax(gate_h(x))_k E_k', 'logit_h = tower_h(f_h)'].join('\n'),
  options: modelOptions('mmoe', {
    experts: positive.default(4).describe('experts that all heads share'),
    expertDims: widths.min(1).default([128, 64]).describe('widths of each expert'),
    ...towerOptions([32], 'product'),
  }),
  ...baseline({ experts: 8, expertDims: [512, 256], towerDims: [128, 64] }),

  top({ experts, expertDims, towerDims, heads, norm }, inputs, sizes) {
    const expert = mlp('expert', { count: experts, inputs, dims: expertDims, norm });
    const gate = linear('gate', { count: headCount(heads, sizes), inputs, outputs: experts });
    const tower = headTowers('tower', heads, sizes, { inputs: last(expertDims), dims: towerDims, norm });
    return layer([expert, gate, tower], (x, step) => {
      const E = expert(forEachMember(x), step); // [K,B,n], or [T,K,B,n]
      const weights = softmax(gate(x, step)); // [H,B,K]
      const f = weightedSum(weights, E); // [H,B,n]
      return { ...tower(f, step), gates: ownShares(weights, heads, sizes, step) }; // [B,T]
    });
  },
});

export type MmoeOptions = OptionsOf<typeof mmoe>;
