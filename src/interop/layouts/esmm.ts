/** torch-rechub's ESMM (datawhalechina/torch-rechub), its answers in the order click, click and conversion. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import { sigmoid } from '../../graph/index.ts';
import type { ModelSizes } from '../../model/contract.ts';
import type { EsmmOptions } from '../../model/zoo/esmm.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineReader, EVERY_FOURTH, mlpBuffers, mlpTensors } from './baseline.ts';

/** One pair of towers, or one for each scenario. */
const places = ({ heads }: EsmmOptions, { scenarios }: ModelSizes) => {
  const pairs = heads === 'product' ? scenarios : 1;
  return ['tower_ctr', 'tower_cvr'].flatMap((tower, task) =>
    range(pairs).map((s) => ({
      reference: heads === 'product' ? `scenario.${s}.${tower}` : tower,
      ours: 'tower',
      member: task * pairs + s,
      names: EVERY_FOURTH,
    })),
  );
};

export const esmm: ReferenceLayout<EsmmOptions> = {
  models: ['esmm'],
  read: baselineReader(
    { tower_dims: z.array(z.int()) },
    ({ heads = 'shared', norm = 'none', tower_dims: towerDims }) => ({
      key: 'esmm' as const,
      embeddingDim: 1,
      dropout: 0,
      towerDims,
      heads,
      norm,
    }),
  ),
  tensors: (options, sizes) => {
    const { towerDims: dims, norm, embeddingDim } = options;
    const inputs = sizes.fields * embeddingDim;
    return places(options, sizes).flatMap((place) => mlpTensors(place, { inputs, dims, norm }, true));
  },
  buffers: (options, sizes) =>
    places(options, sizes).flatMap((place) => mlpBuffers(place, { dims: options.towerDims, norm: options.norm })),
  outputs: (_, __, { logits, diagnostics }) => ({ logits, probs: sigmoid(logits), ...diagnostics }),
};
