/** torch-rechub's AITM (datawhalechina/torch-rechub), its attention the same in every step. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import { div, reduceSum, sigmoid } from '../../graph/index.ts';
import type { ModelSizes } from '../../model/contract.ts';
import type { AitmOptions } from '../../model/zoo/aitm.ts';
import type { ReferenceLayout } from '../contract.ts';
import { baselineReader, EVERY_FOURTH, mlpBuffers, mlpTensors, turnedTensor } from './baseline.ts';

/** Where the networks lie: of each task, between tasks, and of each answer. */
function places({ towersPerScenario }: AitmOptions, { tasks, scenarios }: ModelSizes) {
  const names = EVERY_FOURTH;
  return {
    bottoms: range(tasks).map((member) => ({ reference: `bottoms.${member}`, ours: 'bottom', member, names })),
    transfers: range(tasks - 1).map((t) => ({
      reference: `info_gates.${t}`,
      ours: `transfer.${t + 1}`,
      member: 0,
      names,
    })),
    towers: range(tasks).flatMap((t) =>
      towersPerScenario
        ? range(scenarios).map((s) => ({
            reference: `towers.${t}.towers.${s}`,
            ours: 'tower',
            member: t * scenarios + s,
            names,
          }))
        : [{ reference: `towers.${t}`, ours: 'tower', member: t, names }],
    ),
  };
}

const ATTENTION = { q_layer: 'query', k_layer: 'key', v_layer: 'value' };

export const aitm: ReferenceLayout<AitmOptions> = {
  models: ['aitm'],
  read: baselineReader(
    {
      bottom_dims: z.array(z.int()).min(1),
      tower_dims: z.array(z.int()),
      share_attention: z.literal(true),
      calibrator_weight: z.number(),
    },
    ({ heads = 'shared', norm = 'none', bottom_dims: bottomDims, tower_dims: towerDims, calibrator_weight }) => ({
      key: 'aitm' as const,
      embeddingDim: 1,
      dropout: 0,
      bottomDims,
      towerDims,
      towersPerScenario: heads === 'product',
      calibratorWeight: calibrator_weight,
      norm,
    }),
  ),
  tensors: (options, sizes) => {
    const { bottomDims, towerDims, norm, embeddingDim } = options;
    const { bottoms, transfers, towers } = places(options, sizes);
    const width = bottomDims.at(-1) as number;
    const inputs = sizes.fields * embeddingDim;
    return [
      ...bottoms.flatMap((place) => mlpTensors(place, { inputs, dims: bottomDims, norm })),
      ...transfers.flatMap((place) => mlpTensors(place, { inputs: width, dims: [width], norm })),
      ...(sizes.tasks === 1 ? [] : Object.entries(ATTENTION)).map(([theirs, ours]) =>
        turnedTensor(`aits.0.${theirs}.weight`, { parameter: `attention.${ours}.kernel` }, width, width),
      ),
      ...towers.flatMap((place) => mlpTensors(place, { inputs: width, dims: towerDims, norm }, true)),
    ];
  },
  buffers: (options, sizes) => {
    const { bottomDims, towerDims, norm } = options;
    const { bottoms, transfers, towers } = places(options, sizes);
    return [
      ...bottoms.flatMap((place) => mlpBuffers(place, { dims: bottomDims, norm })),
      ...transfers.flatMap((place) => mlpBuffers(place, { dims: bottomDims.slice(-1), norm })),
      ...towers.flatMap((place) => mlpBuffers(place, { dims: towerDims, norm })),
    ];
  },
  outputs: (_, __, { logits, diagnostics = {} }) => {
    const { calibrator } = diagnostics;
    const rows = logits.graph.input('rows', []);
    return {
      logits,
      probs: sigmoid(logits),
      ...(calibrator && { calibrator: div(reduceSum(calibrator), rows) }), // the mean over the batch
    };
  },
};
