/**
 * ESMM: the conversion rate over the entire space of impressions (Ma et al., SIGIR 2018). Of two tasks the second implies the
 * first (click; click and conversion): its probability is a product, and only the product is trained.
 *
 * The loss of both labels (equation 3) is the logistic loss of the logit of p_2. With a and b the answers of the towers,
 * log p_2 = -softplus(-a) - softplus(-b) and 1 - p_2 = (e^-a + e^-b + e^(-a-b)) p_2, so that this logit is
 * -log(e^-a + e^-b + e^(-a-b)).
 */
import {
  add,
  concat,
  exp,
  log,
  neg,
  reduceMax,
  reduceSum,
  reshape,
  sigmoid,
  slice,
  stopGradient,
  sub,
  type Tensor,
} from '../../graph/index.ts';
import { headTowers } from '../layers/heads.ts';
import { layer } from '../layers/layer.ts';
import { defineModel, type OptionsOf } from '../network.ts';
import { baseline, modelOptions, option, widths } from '../options.ts';

export const esmm = defineModel({
  key: 'esmm',
  title: 'ESMM',
  paper: 'Entire Space Multi-Task Model: An Effective Approach for Estimating Post-Click Conversion Rate, SIGIR 2018',
  purpose: 'Learns the conversion rate after a click from all impressions, through the product of both rates.',
  equations: [
    'p_1 = sigma(tower_ctr(x))',
    'p_cvr = sigma(tower_cvr(x))',
    'p_2 = p_1 p_cvr                 equation 1',
  ].join('\n'),
  options: modelOptions('esmm', {
    towerDims: widths.default([128, 64]).describe('widths of the towers of click and conversion rate'),
    heads: option.heads('shared'),
    norm: option.norm,
  }),
  ...baseline({ towerDims: [512, 256, 128] }),

  problems(_, { tasks, orderedTasks }) {
    if (tasks === 2 && orderedTasks) return [];
    const found =
      tasks === 2
        ? 'in these data a training row may have the second label without the first (data prepared by an older version do not tell: prepare them anew)'
        : `these data have ${tasks === 1 ? 'one task' : `${tasks} tasks`}`;
    return [{ path: 'model.key', message: `esmm needs two tasks of which the second implies the first; ${found}` }];
  },

  top({ towerDims, heads, norm }, inputs, sizes) {
    const tower = headTowers('tower', heads, sizes, { inputs, dims: towerDims, norm });
    return layer([tower], (x, step) => {
      const own = tower(x, step).logits; // [B,2]
      const [a, b] = [slice(own, 1, 0, 1), slice(own, 1, 1, 2)]; // [B,1] each
      return {
        logits: concat([a, productLogit(a, b)], 1), // [B,2]
        diagnostics: { cvr: reshape(sigmoid(b), ['B']) },
      };
    });
  },
});

export type EsmmOptions = OptionsOf<typeof esmm>;

/** The logit of sigma(a) sigma(b): [B, 1]. The largest power is taken out, so that none overflows. */
function productLogit(a: Tensor, b: Tensor): Tensor {
  const powers = neg(concat([a, b, add(a, b)], 1)); // [B,3]
  const largest = stopGradient(reduceMax(powers, [1], true)); // [B,1]
  return neg(add(largest, log(reduceSum(exp(sub(powers, largest)), [1], true))));
}
