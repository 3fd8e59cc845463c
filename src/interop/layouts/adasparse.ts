/** Scenario-Wise-Rec's AdaSparse (Xiaopengli1/Scenario-Wise-Rec), its last layer as wide as there are answers. */
import { z } from 'zod';
import { headCount } from '../../model/layers/heads.ts';
import type { AdasparseOptions } from '../../model/zoo/adasparse.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineOutputs, baselineReader, linearTensors, normTensors, turnedTensor, vectorTensor } from './baseline.ts';

export const adasparse: ReferenceLayout<AdasparseOptions> = {
  models: ['adasparse'],
  read: baselineReader(
    {
      scenario_embedding: z.int(),
      dims: z.array(z.int()),
      form: z.enum(['binarisation', 'scaling', 'fusion']),
      beta: z.number(),
      alpha: z.number(),
      epsilon: z.number(),
    },
    ({ heads = 'shared', norm = 'none', scenario_embedding: scenarioDim, dims, form, beta, alpha, epsilon }) => ({
      key: 'adasparse' as const,
      embeddingDim: 1,
      dropout: 0,
      dims,
      scenarioDim,
      form,
      beta,
      epsilon,
      alpha, // the value in force, which our buffer begins with
      alphaGrowth: 1e-4,
      sparsityWeight: 0,
      sparsityRange: [0, 1] as [number, number],
      heads,
      norm,
    }),
  ),
  tensors: ({ embeddingDim, scenarioDim, dims, heads, norm }, sizes) => {
    const width = sizes.fields * embeddingDim;
    const { scenarios } = sizes;
    const embedding = 'scenario.embedding';
    return [
      vectorTensor('scenario_embedding.weight', { parameter: embedding }, scenarios * scenarioDim, [
        scenarios,
        scenarioDim,
      ]),
      ...[width, ...dims].map((outputs, i) =>
        turnedTensor(
          `pruner_layers.${i}.linear.weight`,
          { parameter: `pruner.${i}.kernel` },
          scenarioDim + outputs,
          outputs,
        ),
      ),
      ...dims.flatMap((outputs, i) => [
        ...linearTensors(
          `mlp_layers.${i}.0`,
          { parameter: `layer.${i}` },
          i === 0 ? scenarioDim + width : dims[i - 1],
          outputs,
        ),
        ...(norm === 'batch' ? normTensors(`mlp_layers.${i}.1`, `layer.${i}.norm`, 0, outputs) : []),
      ]),
      ...linearTensors(
        `mlp_layers.${dims.length}`,
        { parameter: 'head' },
        dims.at(-1) as number,
        headCount(heads, sizes),
      ),
    ];
  },
  buffers: ({ dims, norm }) =>
    norm !== 'batch'
      ? []
      : dims.flatMap((size, i) =>
          [
            ['running_mean', 'mean'],
            ['running_var', 'variance'],
          ].map(([theirs, ours]) =>
            vectorTensor(`mlp_layers.${i}.1.${theirs}`, { parameter: `layer.${i}.norm.${ours}` }, size),
          ),
        ),
  outputs: baselineOutputs,
};
