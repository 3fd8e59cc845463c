/** MTReclib's single-task networks (easezyc/Multitask-Recommendation-Library), one per head; rows come embedded, the same for all. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { SingleTaskOptions } from '../../model/zoo/single-task.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineOutputs, baselineReader, EVERY_FOURTH, mlpBuffers, mlpTensors } from './baseline.ts';

/** Head by head: its bottom and its tower. */
const places = ({ heads }: SingleTaskOptions, sizes: ModelSizes) =>
  range(headCount(heads, sizes)).map((member) => {
    const place = (part: string) => ({ reference: `${part}.${member}`, ours: part, member, names: EVERY_FOURTH });
    return { bottom: place('bottom'), tower: place('tower') };
  });

export const singleTask: ReferenceLayout<SingleTaskOptions> = {
  models: ['singletask'],
  read: baselineReader(
    { bottom_dims: z.array(z.int()), tower_dims: z.array(z.int()) },
    ({ heads = 'product', norm = 'none', bottom_dims: bottomDims, tower_dims: towerDims }) => ({
      key: 'single-task' as const,
      embeddingDim: 1,
      dropout: 0,
      bottomDims,
      towerDims,
      sharedEmbedding: true,
      heads,
      norm,
    }),
  ),
  tensors: (options, sizes) => {
    const { bottomDims, towerDims, norm, embeddingDim } = options;
    const inputs = sizes.fields * embeddingDim;
    return places(options, sizes).flatMap(({ bottom, tower }) => [
      ...mlpTensors(bottom, { inputs, dims: bottomDims, norm }),
      ...mlpTensors(tower, { inputs: bottomDims.at(-1) as number, dims: towerDims, norm }, true),
    ]);
  },
  buffers: (options, sizes) => {
    const { bottomDims, towerDims, norm } = options;
    return places(options, sizes).flatMap(({ bottom, tower }) => [
      ...mlpBuffers(bottom, { dims: bottomDims, norm }),
      ...mlpBuffers(tower, { dims: towerDims, norm }),
    ]);
  },
  outputs: baselineOutputs,
};
