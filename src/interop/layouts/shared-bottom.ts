/** MTReclib's SharedBottom (easezyc/Multitask-Recommendation-Library), with one task per head. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { SharedBottomOptions } from '../../model/zoo/shared-bottom.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineOutputs, baselineReader, EVERY_FOURTH, mlpBuffers, mlpTensors } from './baseline.ts';

const BOTTOM = { reference: 'bottom', ours: 'bottom', member: 0, names: EVERY_FOURTH };

const towerPlaces = ({ heads }: SharedBottomOptions, sizes: ModelSizes) =>
  range(headCount(heads, sizes)).map((member) => ({
    reference: `tower.${member}`,
    ours: 'tower',
    member,
    names: EVERY_FOURTH,
  }));

export const sharedBottom: ReferenceLayout<SharedBottomOptions> = {
  models: ['sharedbottom'],
  read: baselineReader(
    { bottom_dims: z.array(z.int()), tower_dims: z.array(z.int()) },
    ({ heads = 'product', norm = 'none', bottom_dims: bottomDims, tower_dims: towerDims }) => ({
      key: 'shared-bottom' as const,
      embeddingDim: 1,
      dropout: 0,
      bottomDims,
      towerDims,
      heads,
      norm,
    }),
  ),
  tensors: (options, sizes) => {
    const { bottomDims, towerDims, norm, embeddingDim } = options;
    const tower = { inputs: bottomDims.at(-1) as number, dims: towerDims, norm };
    return [
      ...mlpTensors(BOTTOM, { inputs: sizes.fields * embeddingDim, dims: bottomDims, norm }),
      ...towerPlaces(options, sizes).flatMap((place) => mlpTensors(place, tower, true)),
    ];
  },
  buffers: (options, sizes) => {
    const { bottomDims, towerDims, norm } = options;
    return [
      ...mlpBuffers(BOTTOM, { dims: bottomDims, norm }),
      ...towerPlaces(options, sizes).flatMap((place) => mlpBuffers(place, { dims: towerDims, norm })),
    ];
  },
  outputs: baselineOutputs,
};
