/**
 * HiNet: hierarchical information extraction (Zhou et al., ICDE 2023, arXiv 2303.06095). First a scenario layer: what all
 * scenarios share, what the row's own has, and what others may lend it. Then a task layer of shared and specific experts.
 *
 * The attention is a softmax over all scenarios, from which the own weight is dropped; the rest is not rescaled, as in the
 * authors' code.
 */
import type { z } from 'zod';
import { concat, mul, oneHot, reshape, softmax, sub, transpose } from '../../graph/index.ts';
import type { ModelSizes } from '../contract.ts';
import { cgc, cgcExperts } from '../layers/cgc.ts';
import { embedding } from '../layers/embedding.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, headTowers, ownShares } from '../layers/heads.ts';
import { last, layer } from '../layers/layer.ts';
import { linear, mlp, sideBySide } from '../layers/linear.ts';
import { mixture, weightedSum } from '../layers/mixture.ts';
import { defineModel, network } from '../network.ts';
import { baseline, modelOptions, option, positive, towerOptions, widths } from '../options.ts';

const options = modelOptions('hinet', {
  scenarioDim: option.scenarioDim,
  subExpertDims: widths.min(1).default([128, 64]).describe('widths of each sub-expert of the scenario layer'),
  sharedSubExperts: positive.default(3).describe('sub-experts that all scenarios share'),
  specificSubExperts: positive.default(3).describe('sub-experts of each scenario'),
  expertDims: widths.min(1).default([64]).describe('widths of each expert of the task layer'),
  sharedExperts: positive.default(2).describe('experts of the task layer that all heads share'),
  specificExperts: positive.default(1).describe('experts of each head in the task layer'),
  ...towerOptions([32], 'product'),
});

export type HinetOptions = z.output<typeof options>;

export const hinet = defineModel({
  key: 'hinet',
  title: 'HiNet',
  paper:
    'HiNet: Novel Multi-Scenario & Multi-Task Learning with Hierarchical Information Extraction, ICDE 2023, arXiv 2303.06095',
  purpose:
    'Extracts shared, own and transferred knowledge by scenario first, then shared and specific knowledge by task.',
  equations: [
    'SEI(x) = sum_k softmax(x W + b)_k expert_k(x)     sub-expert integration',
    'G = SEI_shared(x)',
    'P_s = SEI_s(x)                                    for every scenario s; own = P_s of the row',
    'a = softmax(W emb(own) + b)                       over all scenarios',
    'A = sum of a_s P_s                                over the others',
    'logit_h = tower_h(CGC_h([A ; own ; G]))           task layer',
  ].join('\n'),
  options,
  ...baseline({
    scenarioDim: 64,
    sharedSubExperts: 5,
    specificSubExperts: 5,
    expertDims: [128, 64],
    specificExperts: 2,
    towerDims: [128, 64],
  }),

  build(options, sizes) {
    const { subExpertDims, expertDims, sharedExperts: shared, specificExperts: specific, towerDims, norm } = options;
    const heads = headCount(options.heads, sizes);
    const extract = scenarioLayer(options, sizes);
    const task = cgc('task', { heads, inputs: 3 * last(subExpertDims), dims: expertDims, specific, shared, norm });
    const tower = headTowers('tower', options.heads, sizes, { inputs: last(expertDims), dims: towerDims, norm });
    return network([extract, task, tower], (step) => {
      const c = extract(step.embedding, step); // [B,3n]
      const rows = task({ heads: c, shared: c }, step); // [H,B,m]
      const { logits, diagnostics } = tower(rows.heads, step); // [B,T]
      const gates = ownShares(rows.weights, options.heads, sizes, step, cgcExperts({ specific, shared }));
      return { logits, diagnostics: { ...diagnostics, scenarioLayer: c }, gates };
    });
  },
});

/** x [B, in] -> [A ; own ; G], each n wide: [B, 3n]. */
function scenarioLayer(options: HinetOptions, sizes: ModelSizes) {
  const { subExpertDims: dims, sharedSubExperts, specificSubExperts, scenarioDim, norm } = options;
  const { scenarios } = sizes;
  const [inputs, width] = [inputWidth(options, sizes), last(dims)];
  const shared = mlp('shared', { count: sharedSubExperts, inputs, dims, norm });
  const sharedGate = linear('shared.gate', { inputs, outputs: sharedSubExperts });
  const specific = mlp('specific', { count: scenarios * specificSubExperts, inputs, dims, norm });
  const specificGate = linear('specific.gate', { count: scenarios, inputs, outputs: specificSubExperts });
  const vector = embedding('scenario.embedding', { count: scenarios, width: scenarioDim });
  const attention = linear('attention', { inputs: scenarioDim, outputs: scenarios });

  return layer([shared, sharedGate, specific, specificGate, vector, attention], (x, step) => {
    const G = mixture(sideBySide([sharedGate(x, step)]), shared(x, step)); // [1,B,n]
    const subExperts = reshape(specific(x, step), [scenarios, specificSubExperts, 'B', width]);
    const P = mixture(specificGate(x, step), subExperts); // [S,B,n]

    const own = oneHot(step.scenario, scenarios); // [B,S]
    const a = softmax(attention(vector(step.scenario, step), step)); // [B,S]
    const others = mul(a, sub(1, own)); // [B,S]
    const transferAndOwn = weightedSum(sideBySide([others, own]), P); // [2,B,n]
    return reshape(transpose(concat([transferAndOwn, G], 0), [1, 0, 2]), ['B', 3 * width]); // [B,3n]
  });
}
