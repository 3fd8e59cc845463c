/** MTReclib's PLE (easezyc/Multitask-Recommendation-Library), with one task per head. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { PleOptions } from '../../model/zoo/ple.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineOutputs, baselineReader, EVERY_FOURTH, linearTensors, mlpBuffers, mlpTensors } from './baseline.ts';

/** Of each level: what its experts read and how wide they are, and between how many experts its shared gate chooses. */
function levelsOf({ levels, embeddingDim, specificExperts, sharedExperts, heads }: PleOptions, sizes: ModelSizes) {
  const count = headCount(heads, sizes);
  return levels.map((dims, l) => ({
    heads: count,
    inputs: l === 0 ? sizes.fields * embeddingDim : (levels[l - 1].at(-1) as number),
    dims,
    experts: count * specificExperts + sharedExperts,
  }));
}

/** Where the experts of a level lie: own experts head by head, then the shared ones. */
const expertPlaces = ({ specificExperts, sharedExperts }: PleOptions, heads: number, level: number) => [
  ...range(heads).flatMap((head) =>
    range(specificExperts).map((expert) => ({
      reference: `task_experts.${level}.${head}.${expert}`,
      ours: `level.${level}.specific`,
      member: head * specificExperts + expert,
      names: EVERY_FOURTH,
    })),
  ),
  ...range(sharedExperts).map((expert) => ({
    reference: `share_experts.${level}.${expert}`,
    ours: `level.${level}.shared`,
    member: expert,
    names: EVERY_FOURTH,
  })),
];

const towerPlaces = (heads: number) =>
  range(heads).map((member) => ({ reference: `tower.${member}`, ours: 'tower', member, names: EVERY_FOURTH }));

export const ple: ReferenceLayout<PleOptions> = {
  models: ['ple'],
  read: baselineReader(
    {
      levels: z.array(z.array(z.int())).min(1),
      specific_experts: z.int(),
      shared_experts: z.int(),
      tower_dims: z.array(z.int()),
    },
    ({ heads = 'product', norm = 'none', levels, specific_experts, shared_experts, tower_dims: towerDims }) => ({
      key: 'ple' as const,
      embeddingDim: 1,
      dropout: 0,
      levels,
      specificExperts: specific_experts,
      sharedExperts: shared_experts,
      towerDims,
      heads,
      norm,
    }),
  ),
  tensors: (options, sizes) => {
    const levels = levelsOf(options, sizes);
    const [{ heads }] = levels;
    const { specificExperts, sharedExperts, towerDims, norm } = options;
    const tower = { inputs: levels.at(-1)?.dims.at(-1) as number, dims: towerDims, norm };
    return [
      ...levels.flatMap(({ inputs, dims, experts }, l) => [
        ...expertPlaces(options, heads, l).flatMap((place) => mlpTensors(place, { inputs, dims, norm })),
        ...range(heads).flatMap((member) =>
          linearTensors(
            `task_gates.${l}.${member}.0`,
            { parameter: `level.${l}.gate`, member },
            inputs,
            specificExperts + sharedExperts,
          ),
        ),
        ...(l < levels.length - 1
          ? linearTensors(`share_gates.${l}.0`, { parameter: `level.${l}.sharedGate` }, inputs, experts)
          : []),
      ]),
      ...towerPlaces(heads).flatMap((place) => mlpTensors(place, tower, true)),
    ];
  },
  buffers: (options, sizes) => {
    const levels = levelsOf(options, sizes);
    const [{ heads }] = levels;
    const { towerDims, norm } = options;
    return [
      ...levels.flatMap(({ dims }, l) =>
        expertPlaces(options, heads, l).flatMap((place) => mlpBuffers(place, { dims, norm })),
      ),
      ...towerPlaces(heads).flatMap((place) => mlpBuffers(place, { dims: towerDims, norm })),
    ];
  },
  unused: (options, sizes) => {
    const levels = levelsOf(options, sizes);
    const last = levels.length - 1;
    const { inputs, experts } = levels[last];
    return [
      { name: `share_gates.${last}.0.weight`, shape: [experts, inputs] },
      { name: `share_gates.${last}.0.bias`, shape: [experts] },
    ];
  },
  outputs: baselineOutputs,
};
