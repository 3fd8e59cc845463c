/** MTReclib's MMoE (easezyc/Multitask-Recommendation-Library), with one task per head. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { MmoeOptions } from '../../model/zoo/mmoe.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineOutputs, baselineReader, EVERY_FOURTH, linearTensors, mlpBuffers, mlpTensors } from './baseline.ts';

const places = ({ experts, heads }: MmoeOptions, sizes: ModelSizes) => ({
  experts: range(experts).map((member) => ({
    reference: `expert.${member}`,
    ours: 'expert',
    member,
    names: EVERY_FOURTH,
  })),
  towers: range(headCount(heads, sizes)).map((member) => ({
    reference: `tower.${member}`,
    ours: 'tower',
    member,
    names: EVERY_FOURTH,
  })),
});

export const mmoe: ReferenceLayout<MmoeOptions> = {
  models: ['mmoe'],
  read: baselineReader(
    { experts: z.int(), expert_dims: z.array(z.int()), tower_dims: z.array(z.int()) },
    ({ heads = 'product', norm = 'none', experts, expert_dims: expertDims, tower_dims: towerDims }) => ({
      key: 'mmoe' as const,
      embeddingDim: 1,
      dropout: 0,
      experts,
      expertDims,
      towerDims,
      heads,
      norm,
    }),
  ),
  tensors: (options, sizes) => {
    const { experts, expertDims, towerDims, norm, embeddingDim } = options;
    const inputs = sizes.fields * embeddingDim;
    const { experts: expertPlaces, towers } = places(options, sizes);
    return [
      ...expertPlaces.flatMap((place) => mlpTensors(place, { inputs, dims: expertDims, norm })),
      ...towers.flatMap(({ member }) =>
        linearTensors(`gate.${member}.0`, { parameter: 'gate', member }, inputs, experts),
      ),
      ...towers.flatMap((place) =>
        mlpTensors(place, { inputs: expertDims.at(-1) as number, dims: towerDims, norm }, true),
      ),
    ];
  },
  buffers: (options, sizes) => {
    const { experts, towers } = places(options, sizes);
    return [
      ...experts.flatMap((place) => mlpBuffers(place, { dims: options.expertDims, norm: options.norm })),
      ...towers.flatMap((place) => mlpBuffers(place, { dims: options.towerDims, norm: options.norm })),
    ];
  },
  outputs: baselineOutputs,
};
