/** A plain PyTorch module of STAR: star layers are [in, out] there, too; the rest is PyTorch's Linear. */
import { z } from 'zod';
import { inputWidth } from '../../model/layers/fields.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { OptionsOf } from '../../model/network.ts';
import type { star as model } from '../../model/zoo/star.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';
import { baselineOutputs, baselineReader, linearTensors, vectorTensor } from './baseline.ts';

export const star: ReferenceLayout<OptionsOf<typeof model>> = {
  models: ['star'],
  read: baselineReader(
    {
      fcn_dims: z.array(z.int()),
      aux_dims: z.array(z.int()),
      scenario_embedding: z.int(),
      pn_eps: z.literal(1e-5).optional(),
      pn_momentum: z.literal(0.1).optional(),
    },
    ({ heads = 'product', fcn_dims: starDims, aux_dims: sideDims, scenario_embedding: scenarioDim }) => ({
      key: 'star' as const,
      embeddingDim: 1,
      dropout: 0,
      starDims,
      sideDims,
      scenarioDim,
      heads,
    }),
  ),
  tensors: (options, sizes) => {
    const { scenarios, tasks } = sizes;
    const [inputs, scenarioDim] = [inputWidth(options, sizes), options.scenarioDim];
    const side = [scenarioDim + inputs, ...options.sideDims, tasks];
    return [
      ...normTensors(scenarios, inputs),
      ...starTensors(headCount(options.heads, sizes), [inputs, ...options.starDims, 1]),
      vectorTensor('scenario_embedding.weight', { parameter: 'scenario.embedding' }, scenarios * scenarioDim, [
        scenarios,
        scenarioDim,
      ]),
      ...side.slice(1).flatMap((size, i) => linearTensors(`aux.${i}`, { parameter: `side.${i}` }, side[i], size)),
    ];
  },
  buffers: (options, sizes) => {
    const shape = [sizes.scenarios, inputWidth(options, sizes)];
    return [
      vectorTensor('pn.running_mean', { parameter: 'norm.mean' }, shape[0] * shape[1], shape),
      vectorTensor('pn.running_var', { parameter: 'norm.variance' }, shape[0] * shape[1], shape),
    ];
  },
  outputs: baselineOutputs,
};

const normTensors = (scenarios: number, size: number): ReferenceTensor[] => [
  vectorTensor('pn.gamma', { parameter: 'norm.scale' }, size),
  vectorTensor('pn.beta', { parameter: 'norm.shift' }, size),
  vectorTensor('pn.scenario_gamma', { parameter: 'norm.scenario.scale' }, scenarios * size, [scenarios, size]),
  vectorTensor('pn.scenario_beta', { parameter: 'norm.scenario.shift' }, scenarios * size, [scenarios, size]),
];

/** `widths` from the input to the answer. */
const starTensors = (heads: number, widths: readonly number[]): ReferenceTensor[] =>
  widths.slice(1).flatMap((outputs, i) => {
    const [inputs, ours, theirs] = [widths[i], `star.${i}`, `fcn.${i}`];
    const all = heads * inputs * outputs;
    return [
      vectorTensor(`${theirs}.shared_weight`, { parameter: `${ours}.kernel` }, inputs * outputs, [inputs, outputs]),
      vectorTensor(`${theirs}.shared_bias`, { parameter: `${ours}.bias` }, outputs),
      vectorTensor(`${theirs}.specific_weight`, { parameter: `${ours}.own.kernel` }, all, [heads, inputs, outputs]),
      vectorTensor(`${theirs}.specific_bias`, { parameter: `${ours}.own.bias` }, heads * outputs, [heads, outputs]),
    ];
  });
