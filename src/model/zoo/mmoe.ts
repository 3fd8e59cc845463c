/** MMoE: multi-gate mixture of experts (Ma et al., KDD 2018). All heads share the experts; each mixes them by a gate of its own. */
import { z } from 'zod';
import type { ModelDefinition, ModelSizes, Top } from '../contract.ts';
import { headCount, headsTop, standsAlone, towers } from '../layers/heads.ts';
import { last } from '../layers/layer.ts';
import { forEachMember, linear, mlp } from '../layers/linear.ts';
import { mixture } from '../layers/mixture.ts';
import { baseline, commonOptions, headsOption, normOption, positive, widths } from '../options.ts';

export const mmoeOptions = z.strictObject({
  key: z.literal('mmoe').default('mmoe'),
  ...commonOptions,
  experts: positive.default(4).describe('experts that all heads share'),
  expertDims: widths.min(1).default([128, 64]).describe('widths of each expert'),
  towerDims: widths.default([32]).describe("widths of each head's tower before its answer"),
  heads: headsOption('product'),
  norm: normOption,
});

export type MmoeOptions = z.output<typeof mmoeOptions>;

function top({ experts, expertDims, towerDims, heads, norm }: MmoeOptions, inputs: number, sizes: ModelSizes): Top {
  const count = headCount(heads, sizes);
  const expert = mlp('expert', { count: experts, inputs, dims: expertDims, norm });
  const gate = linear('gate', { count, inputs, outputs: experts });
  const tower = towers('tower', { count, inputs: last(expertDims), dims: towerDims, norm });
  return headsTop([expert, gate, tower], heads, sizes, (x, step) => {
    const E = expert(forEachMember(x), step); // [K,B,n], or [T,K,B,n]
    const f = mixture(gate(x, step), E); // [H,B,n]
    return tower(f, step); // [B,H]
  });
}

export const mmoe: ModelDefinition<MmoeOptions> = {
  key: 'mmoe',
  title: 'MMoE',
  paper: 'Modeling Task Relationships in Multi-task Learning with Multi-gate Mixture-of-Experts, KDD 2018',
  purpose: 'Shares experts between all heads; each head mixes them by its own gate.',
  equations: ['E_k = expert_k(x)', 'f_h = sum_k softmax(gate_h(x))_k E_k', 'logit_h = tower_h(f_h)'].join('\n'),
  options: mmoeOptions,
  ...baseline({ experts: 8, expertDims: [512, 256], towerDims: [128, 64] }),
  ...standsAlone(top),
};
