/** The authors' M3oE (Applied-Machine-Learning-Lab/M3oE). */

import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { range } from '../../base/numbers.ts';
import type { M3oeOptions } from '../../model/zoo/m3oe.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineOutputs, baselineReader, linearTensors, type MlpNames, mlpTensors, vectorTensor } from './baseline.ts';

const LAYERS: MlpNames = { linear: (i) => `domain_specific.${3 * i}`, norm: (i) => `domain_specific.${3 * i + 1}` };
const TOWER: MlpNames = { linear: (i) => `${3 * i}`, norm: (i) => `${3 * i + 1}` };

/** Their names of our balances. */
const BALANCES = { domain: 'exp_d', task: 'exp_t', ownDomain: 'bal_d', ownTask: 'bal_t' };

export const m3oe: ReferenceLayout<M3oeOptions> = {
  models: ['m3oe'],
  read: baselineReader(
    {
      heads: z.literal('product').optional(),
      norm: z.never().optional(),
      fcn_dims: z.array(z.int()).min(4),
      experts: z.int(),
      layernorm_eps: z.literal(1e-5).optional(),
    },
    ({ fcn_dims: [starDim, fusedDim, inputs, ...expertDims], experts }) => {
      if (inputs !== fusedDim)
        throw error('CONFIG_INVALID', {
          source: 'the reference configuration',
          problems: [
            { path: 'fcn_dims', message: `expected equal second and third widths, found ${fusedDim}, ${inputs}` },
          ],
        });
      return {
        key: 'm3oe' as const,
        embeddingDim: 1,
        dropout: 0,
        starDim,
        fusedDim,
        experts,
        expertDims,
        balanceFrom: 'training' as const, // their first optimiser holds the balances, too
        balanceLearningRate: 1e-3,
      };
    },
  ),
  tensors: ({ embeddingDim, starDim, fusedDim, experts, expertDims }, { fields, scenarios, tasks }) => {
    const inputs = fields * embeddingDim;
    const answer = expertDims.at(-1) as number;
    const layers = (reference: string, ours: string, member: number, inputs: number, dims: readonly number[]) =>
      mlpTensors({ reference, ours, member, names: LAYERS }, { inputs, dims, norm: 'layer' });
    const kernel = [inputs, starDim];
    return [
      vectorTensor('shared_weight', { parameter: 'star.0.kernel' }, inputs * starDim, kernel),
      vectorTensor('shared_bias', { parameter: 'star.0.bias' }, starDim),
      ...range(scenarios).flatMap((member) => [
        vectorTensor(`slot_weight.${member}`, { parameter: 'star.0.own.kernel', member }, inputs * starDim, kernel),
        vectorTensor(`slot_bias.${member}`, { parameter: 'star.0.own.bias', member }, starDim),
      ]),
      ...layers('star_mlp', 'fusion', 0, starDim, [fusedDim]),
      ...layers('skip_conn', 'skip', 0, inputs, [fusedDim]),
      ...[
        ...range(experts).map((k) => `expert.${k}`),
        ...range(scenarios).map((s) => `domain_expert.${s}`),
        ...range(tasks).map((t) => `task_expert.${t}`),
      ].flatMap((reference, member) => layers(reference, 'expert', member, fusedDim, expertDims)),
      ...range(scenarios * tasks).flatMap((member) => [
        ...linearTensors(`gate.${member}.0`, { parameter: 'gate', member }, fusedDim, experts),
        ...mlpTensors(
          { reference: `tower.${member}`, ours: 'tower', member, names: TOWER },
          { inputs: answer, dims: [answer], norm: 'layer' },
          true,
        ),
      ]),
      ...Object.entries(BALANCES).map(([ours, theirs]) =>
        vectorTensor(`_weight_${theirs}.deep_weights`, { parameter: `balance.${ours}` }, 1),
      ),
    ];
  },
  outputs: (_options, sizes, forward) => baselineOutputs({ heads: 'product' }, sizes, forward),
};
