/** A plain PyTorch module of M2M; its generated matrices are [in, out] in row-major order, as ours. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { M2mOptions } from '../../model/zoo/m2m.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';
import { baselineOutputs, baselineReader, linearTensors, type MlpNames, mlpTensors, vectorTensor } from './baseline.ts';

const EVERY_ONE: MlpNames = { linear: (i) => `${i}`, norm: (i) => `${i}.norm` };

export const m2m: ReferenceLayout<M2mOptions> = {
  models: ['m2m'],
  read: baselineReader(
    {
      scenario_embedding: z.int(),
      task_dim: z.int(),
      view_dim: z.int(),
      scen_view: z.int(),
      experts: z.int(),
      attn_depth: z.int(),
      tower_layers: z.int(),
      tower_depth: z.int(),
      head_dims: z.array(z.int()),
      slope: z.literal(0.1).optional(),
      tower_inner_activation: z.boolean().default(true),
    },
    ({ heads = 'shared', ...config }) => ({
      key: 'm2m' as const,
      embeddingDim: 1,
      dropout: 0,
      experts: config.experts,
      width: config.view_dim,
      scenarioWidth: config.scen_view,
      attentionDepth: config.attn_depth,
      towerLayers: config.tower_layers,
      towerDepth: config.tower_depth,
      towerInnerActivation: config.tower_inner_activation,
      towerDims: config.head_dims,
      scenarioDim: config.scenario_embedding,
      taskDim: config.task_dim,
      heads,
    }),
  ),
  tensors: (options, sizes) => {
    const { embeddingDim, experts, width, scenarioWidth, scenarioDim, taskDim, towerDims, heads } = options;
    const [inputs, pair] = [sizes.fields * embeddingDim, 2 * width];
    const table = (name: string, parameter: string, shape: number[]): ReferenceTensor =>
      vectorTensor(name, { parameter }, shape[0] * shape[1], shape);
    return [
      table('scenario_embedding.weight', 'scenario.embedding', [sizes.scenarios, scenarioDim]),
      ...linearTensors('scenario_mlp.0', { parameter: 'scenario.vector' }, scenarioDim, scenarioWidth),
      table('task_embedding.weight', 'task.embedding', [sizes.tasks, taskDim]),
      ...linearTensors('task_mlp.0', { parameter: 'task.vector' }, taskDim, width),
      ...range(experts).flatMap((member) =>
        linearTensors(`experts.${member}.0`, { parameter: 'expert', member }, inputs, width),
      ),
      table('attention_v', 'attention.vector', [sizes.tasks, pair]),
      ...unitTensors('attention_meta', 'attention', { depth: options.attentionDepth, width: pair, scenarioWidth }),
      ...range(options.towerLayers).flatMap((j) =>
        unitTensors(`tower_meta.${j}`, `meta.${j}`, { depth: options.towerDepth, width, scenarioWidth }),
      ),
      ...range(headCount(heads, sizes)).flatMap((member) =>
        mlpTensors(
          { reference: `heads.${member}`, ours: 'tower', member, names: EVERY_ONE },
          { inputs: width, dims: towerDims },
          true,
        ),
      ),
    ];
  },
  outputs: baselineOutputs,
};

/** The layers that make a meta unit's kernels and biases. */
const unitTensors = (
  reference: string,
  ours: string,
  { depth, width, scenarioWidth }: { depth: number; width: number; scenarioWidth: number },
): ReferenceTensor[] =>
  range(depth).flatMap((i) => [
    ...linearTensors(`${reference}.weight_gen.${i}`, { parameter: `${ours}.${i}.kernels` }, scenarioWidth, width ** 2),
    ...linearTensors(`${reference}.bias_gen.${i}`, { parameter: `${ours}.${i}.biases` }, scenarioWidth, width),
  ]);
