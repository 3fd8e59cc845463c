/**
 * STAR: star topology adaptive recommender (Sheng et al., CIKM 2021). Rows are normalised by scenario; every head's network is the
 * product of a shared centre and weights of its own; a side network reads the scenario directly.
 *
 * The paper has one task. With several, own weights belong to (task, scenario) pairs and the centre to all of them; the norm
 * belongs to the scenario alone. The side network sees x as it came, not normalised.
 */
import { add, concat, reshape, transpose } from '../../graph/index.ts';
import { embedding } from '../layers/embedding.ts';
import { inputWidth } from '../layers/fields.ts';
import { headCount, ownHeads } from '../layers/heads.ts';
import { last } from '../layers/layer.ts';
import { linear, mlp } from '../layers/linear.ts';
import { partitionedNorm } from '../layers/norms/partitioned-norm.ts';
import { starNetwork } from '../layers/star.ts';
import { defineModel, network } from '../network.ts';
import { baseline, modelOptions, option, widths } from '../options.ts';

const options = modelOptions('star', {
  starDims: widths.default([128, 64, 32]).describe("widths of each head's star layers before its answer"),
  sideDims: widths.default([32]).describe('widths of the side network before its answers'),
  scenarioDim: option.scenarioDim,
  heads: option.heads('product'),
});

export const star = defineModel({
  key: 'star',
  title: 'STAR',
  paper: 'One Model to Serve All: Star Topology Adaptive Recommender for Multi-Domain CTR Prediction, CIKM 2021',
  purpose: 'Multiplies shared weights with weights of each scenario and normalises rows by scenario.',
  equations: [
    'PN(x) = (x - mean_s) / sqrt(variance_s + 1e-5) * (scale * scale_s) + (shift + shift_s)',
    'layer_h(v) = v (K * K_h) + b + b_h        relu after all but the last',
    'logit_h = star_h(PN(x)) + side([g_s ; x])_t        h = t*S + s',
  ].join('\n'),
  options,
  ...baseline({ starDims: [512, 256, 128], sideDims: [128] }),

  build(options, sizes) {
    const { starDims, sideDims, scenarioDim, heads } = options;
    const { scenarios, tasks } = sizes;
    const [inputs, count] = [inputWidth(options, sizes), headCount(heads, sizes)];
    const sideInputs = scenarioDim + inputs;
    const PN = partitionedNorm('norm', { scenarios, size: inputs });
    const star = starNetwork('star', { heads: count, inputs, dims: [...starDims, 1] });
    const g = embedding('scenario.embedding', { count: scenarios, width: scenarioDim });
    const side = mlp('side', { inputs: sideInputs, dims: sideDims });
    const sideAnswer = linear(`side.${sideDims.length}`, { inputs: last([sideInputs, ...sideDims]), outputs: tasks });

    return network([PN, star, g, side, sideAnswer], (step) => {
      const { embedding: x, scenario } = step;
      const stars = star(PN(x, step), step); // [H,B,1]
      const answers = transpose(reshape(stars, [count, 'B']), [1, 0]); // [B,H]
      const own = ownHeads(answers, heads, sizes, step); // [B,T]
      const rows = concat([g(scenario, step), x], 1); // [B,E+n]
      return { logits: add(own, sideAnswer(side(rows, step), step)) }; // [B,T]
    });
  },
});
