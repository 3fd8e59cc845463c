/**
 * A PyTorch form of HiNet whose scenario layer is that of Chrissie-Law/Causal-Domain-Clustering-for-Multi-Domain-Recommendation
 * and whose task layer is that of MTReclib's PLE (the authors' code, mrchor/HiNet, is TensorFlow).
 */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { HinetOptions } from '../../model/zoo/hinet.ts';
import type { ReferenceLayout } from '../contract.ts';
import {
  baselineOutputs,
  baselineReader,
  linearTensors,
  type MlpNames,
  mlpBuffers,
  mlpTensors,
  vectorTensor,
} from './baseline.ts';

/** Layer i of a network is called i; the reference has no norms, ours stand beside. */
const PLAIN: MlpNames = { linear: (i) => `${i}`, norm: (i) => `${i}.norm` };

const place = (reference: string, ours: string, member: number) => ({ reference, ours, member, names: PLAIN });

/** Every network by its reference name, in our stacks. */
function networks(options: HinetOptions, sizes: ModelSizes) {
  const { sharedSubExperts, specificSubExperts, sharedExperts, specificExperts, norm } = options;
  const heads = headCount(options.heads, sizes);
  return {
    subExpert: { inputs: sizes.fields * options.embeddingDim, dims: options.subExpertDims, norm },
    expert: { inputs: 3 * (options.subExpertDims.at(-1) as number), dims: options.expertDims, norm },
    tower: { inputs: options.expertDims.at(-1) as number, dims: options.towerDims, norm },
    shared: range(sharedSubExperts).map((k) => place(`sei_shared.experts.${k}`, 'shared', k)),
    specific: range(sizes.scenarios * specificSubExperts).map((member) => {
      const [s, k] = [Math.floor(member / specificSubExperts), member % specificSubExperts];
      return place(`sei_specific.${s}.experts.${k}`, 'specific', member);
    }),
    taskShared: range(sharedExperts).map((k) => place(`cgc.shared.${k}`, 'task.shared', k)),
    taskSpecific: range(heads * specificExperts).map((member) => {
      const [head, k] = [Math.floor(member / specificExperts), member % specificExperts];
      return place(`cgc.specific.${head}.${k}`, 'task.specific', member);
    }),
    towers: range(heads).map((head) => place(`tower.${head}`, 'tower', head)),
  };
}

export const hinet: ReferenceLayout<HinetOptions> = {
  models: ['hinet'],
  read: baselineReader(
    {
      norm: z.literal('none').optional(),
      scenario_embedding: z.int(),
      san: z.literal('softmax over all scenarios, own weight then zeroed').optional(),
      sei_dims: z.array(z.int()),
      shared_sub: z.int(),
      specific_sub: z.int(),
      cgc_dims: z.array(z.int()),
      cgc_specific: z.int(),
      cgc_shared: z.int(),
      tower_dims: z.array(z.int()),
    },
    ({ heads = 'product', ...config }) => ({
      key: 'hinet' as const,
      embeddingDim: 1,
      dropout: 0,
      scenarioDim: config.scenario_embedding,
      subExpertDims: config.sei_dims,
      sharedSubExperts: config.shared_sub,
      specificSubExperts: config.specific_sub,
      expertDims: config.cgc_dims,
      sharedExperts: config.cgc_shared,
      specificExperts: config.cgc_specific,
      towerDims: config.tower_dims,
      heads,
      norm: 'none' as const,
    }),
  ),
  tensors: (options, sizes) => {
    const { scenarios } = sizes;
    const { scenarioDim, sharedSubExperts, specificSubExperts, sharedExperts, specificExperts } = options;
    const { subExpert, expert, tower, shared, specific, taskShared, taskSpecific, towers } = networks(options, sizes);
    const { inputs } = subExpert;
    return [
      ...shared.flatMap((one) => mlpTensors(one, subExpert)),
      ...linearTensors('sei_shared.gate', { parameter: 'shared.gate' }, inputs, sharedSubExperts),
      ...specific.flatMap((one) => mlpTensors(one, subExpert)),
      ...range(scenarios).flatMap((member) =>
        linearTensors(
          `sei_specific.${member}.gate`,
          { parameter: 'specific.gate', member },
          inputs,
          specificSubExperts,
        ),
      ),
      vectorTensor('scenario_embedding.weight', { parameter: 'scenario.embedding' }, scenarios * scenarioDim, [
        scenarios,
        scenarioDim,
      ]),
      ...linearTensors('san_gate', { parameter: 'attention' }, scenarioDim, scenarios),
      ...[...taskSpecific, ...taskShared].flatMap((one) => mlpTensors(one, expert)),
      ...towers.flatMap(({ member }) =>
        linearTensors(
          `cgc.gate.${member}`,
          { parameter: 'task.gate', member },
          expert.inputs,
          specificExperts + sharedExperts,
        ),
      ),
      ...towers.flatMap((one) => mlpTensors(one, tower, true)),
    ];
  },
  buffers: (options, sizes) => {
    const { subExpert, expert, tower, shared, specific, taskShared, taskSpecific, towers } = networks(options, sizes);
    return [
      ...[...shared, ...specific].flatMap((one) => mlpBuffers(one, subExpert)),
      ...[...taskSpecific, ...taskShared].flatMap((one) => mlpBuffers(one, expert)),
      ...towers.flatMap((one) => mlpBuffers(one, tower)),
    ];
  },
  outputs: baselineOutputs,
};
