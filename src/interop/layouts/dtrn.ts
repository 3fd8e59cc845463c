/**
 * Names, shapes and orders of our own reference implementation in Python: there is no public code of DTRN. Its weights are
 * [in, out], as ours; heads of the attention lie side by side in one [d, d] there, one after another here.
 */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import { sigmoid, type Tensor, transpose } from '../../graph/index.ts';
import type { ForwardOutputs, ModelSizes, SequenceSizes } from '../../model/contract.ts';
import {
  type DtrnOptions,
  dtrnOptions,
  embeddingCount,
  readSequences,
  refinementWidth,
} from '../../model/zoo/dtrn/options.ts';
import { topOf } from '../../model/zoo/dtrn/tops.ts';
import { readConfiguration } from '../configuration.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';
import { type Place, vectorTensor } from './baseline.ts';

const positive = z.int().min(1);

const configSchema = z.strictObject({
  scenarios: z.int().min(0),
  positions: z.boolean(),
  pooling: z.enum(['target', 'mean']),
  trm_squeeze: z.enum(['concat', 'mean']),
  trm_scale: z.number(),
  top: z.enum(['tower', 'mmoe']),
  blocks: positive,
  batch: positive.optional(),
  vocab: z.array(positive).min(1),
  field_offsets: z.array(z.int().min(0)).optional(),
  feat_num: positive,
  item_field: z.int().min(0),
  dim: positive,
  tasks: positive,
  behaviors: positive,
  length: positive,
  cond_dim: positive,
  hyper_hidden: positive,
  heads: positive,
  ffn_hidden: positive,
  trm_hidden: positive,
  tower: z.array(positive),
  experts: positive,
  expert_out: positive,
  layer_norm_eps: z.literal(1e-5).optional(),
});

function read(config: Record<string, unknown>): { options: DtrnOptions; sizes: ModelSizes; tableRows: number } {
  const c = readConfiguration(configSchema, config);
  const tops = {
    tower: { key: 'tower', towerDims: c.tower },
    mmoe: { key: 'mmoe', experts: c.experts, expertDims: [c.expert_out], towerDims: c.tower },
  };
  return {
    options: dtrnOptions.parse({
      embeddingDim: c.dim,
      positions: c.positions,
      blocks: c.blocks,
      attentionHeads: c.heads,
      ffnDim: c.ffn_hidden,
      conditionDim: c.cond_dim,
      hyperDim: c.hyper_hidden,
      scenarioConditioned: c.scenarios > 0,
      pooling: c.pooling,
      squeeze: c.trm_squeeze,
      refinementDim: c.trm_hidden,
      refinementScale: c.trm_scale,
      top: tops[c.top],
    }),
    sizes: {
      fields: c.vocab.length,
      scenarios: Math.max(1, c.scenarios),
      tasks: c.tasks,
      sequences: { types: c.behaviors, length: c.length, itemField: c.item_field },
    },
    tableRows: c.feat_num,
  };
}

function tensors(options: DtrnOptions, sizes: ModelSizes): ReferenceTensor[] {
  const sequences = readSequences(options, sizes);
  return [
    ...(sequences === undefined ? [] : interestTensors(options, sizes, sequences)),
    ...refinementTensors(options, sizes),
    ...topTensors(options, sizes),
  ];
}

function interestTensors(options: DtrnOptions, { tasks, scenarios }: ModelSizes, sequences: SequenceSizes) {
  const { embeddingDim: d, conditionDim: c, hyperDim, blocks, ffnDim, positions, scenarioConditioned } = options;
  const matrix = (name: string, ours: string, rows: number, columns: number): ReferenceTensor =>
    vectorTensor(`${name}.weight`, { parameter: ours }, rows * columns, [rows, columns]);
  return [
    ...(positions ? [matrix('position', 'tim.position.embedding', sequences.length, d)] : []),
    matrix('task_embedding', 'tim.task.embedding', tasks, c),
    matrix('behavior_embedding', 'tim.type.embedding', sequences.types, c),
    ...(scenarioConditioned ? [matrix('scenario_embedding', 'tim.scenario.embedding', scenarios, c)] : []),
    ...dense('hyper.fc0', { parameter: 'tim.hyper.0' }, (scenarioConditioned ? 3 : 2) * c, hyperDim),
    ...dense('hyper.fc1', { parameter: 'tim.hyper.1' }, hyperDim, 4 * blocks * d),
    ...range(blocks).flatMap((n) => [
      ...byHead(`block.${n}.q`, `tim.block.${n}.query`, options),
      ...byHead(`block.${n}.k`, `tim.block.${n}.key`, options),
      ...byHead(`block.${n}.v`, `tim.block.${n}.value`, options),
      ...dense(`block.${n}.o`, { parameter: `tim.block.${n}.output` }, d, d),
      ...dense(`block.${n}.ffn.fc0`, { parameter: `tim.block.${n}.ffn.0` }, d, ffnDim),
      ...dense(`block.${n}.ffn.fc1`, { parameter: `tim.block.${n}.ffn.1` }, ffnDim, d),
    ]),
  ];
}

function refinementTensors(options: DtrnOptions, sizes: ModelSizes): ReferenceTensor[] {
  const embeddings = embeddingCount(options, sizes);
  const hidden = refinementWidth(options, sizes);
  const squeezed = options.squeeze === 'mean' ? embeddings : embeddings * options.embeddingDim;
  return range(sizes.tasks).flatMap((t) => [
    ...dense(`trm.${t}.fc0`, { parameter: 'trm.0', member: t }, squeezed, hidden),
    ...dense(`trm.${t}.fc1`, { parameter: 'trm.1', member: t }, hidden, embeddings),
  ]);
}

/** Towers alone, or MMoE with one ReLU layer per expert; what else may stand on top keeps our own names. */
function topTensors(options: DtrnOptions, sizes: ModelSizes): ReferenceTensor[] {
  const { top, embeddingDim } = options;
  const width = embeddingCount(options, sizes) * embeddingDim;
  if (top.key === 'tower') return towerTensors(width, top.towerDims, sizes);
  if (top.key === 'mmoe' && top.heads === 'shared' && top.expertDims.length === 1)
    return mmoeTensors(width, top, sizes);
  return topOf(options, width, sizes).parameters.map(({ name, shape }) =>
    vectorTensor(name, { parameter: name }, elementCount(shape), shape),
  );
}

const towerTensors = (inputs: number, dims: readonly number[], { tasks }: ModelSizes): ReferenceTensor[] =>
  range(tasks).flatMap((t) =>
    [...dims, 1].flatMap((outputs, i) =>
      dense(`tower.${t}.fc${i}`, { parameter: `tower.${i}`, member: t }, i === 0 ? inputs : dims[i - 1], outputs),
    ),
  );

function mmoeTensors(
  width: number,
  { experts, expertDims: [outputs], towerDims }: { experts: number; expertDims: number[]; towerDims: number[] },
  sizes: ModelSizes,
): ReferenceTensor[] {
  const whole = (name: string, ours: string, shape: number[]): ReferenceTensor =>
    vectorTensor(name, { parameter: ours }, elementCount(shape), shape);
  return [
    whole('mmoe.expert.weight', 'expert.0.kernel', [experts, width, outputs]),
    whole('mmoe.expert.bias', 'expert.0.bias', [experts, outputs]),
    ...range(sizes.tasks).flatMap((t) => dense(`mmoe.gate.${t}`, { parameter: 'gate', member: t }, width, experts)),
    ...towerTensors(outputs, towerDims, sizes),
  ];
}

const elementCount = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** weight [in, out] and bias [out], as one member of a stack of ours or as a whole. */
const dense = (name: string, { parameter, member }: Place, inputs: number, outputs: number): ReferenceTensor[] => [
  vectorTensor(`${name}.weight`, { parameter: `${parameter}.kernel`, member }, inputs * outputs, [inputs, outputs]),
  vectorTensor(`${name}.bias`, { parameter: `${parameter}.bias`, member }, outputs),
];

/** A projection [d, d] there, [H, d, d/H] here. */
function byHead(name: string, ours: string, { embeddingDim: d, attentionHeads }: DtrnOptions): ReferenceTensor[] {
  const width = d / attentionHeads;
  return [
    {
      name: `${name}.weight`,
      shape: [d, d],
      parameter: `${ours}.kernel`,
      place: (index) => {
        const [row, column] = [Math.floor(index / d), index % d];
        return Math.floor(column / width) * d * width + row * width + (column % width);
      },
    },
    vectorTensor(`${name}.bias`, { parameter: `${ours}.bias` }, d),
  ];
}

function outputs(
  _options: DtrnOptions,
  _sizes: ModelSizes,
  { logits, diagnostics = {} }: ForwardOutputs,
): Record<string, Tensor> {
  const { norms, interests, weights, bottoms } = diagnostics;
  return {
    logits,
    probs: sigmoid(logits),
    trm_weights: transpose(weights, [1, 0, 2]), // [B,T,M]
    bottom: transpose(bottoms, [1, 0, 2]), // [B,T,M*d]
    ...(interests && { interests: transpose(interests, [1, 0, 2, 3]), norm_table: norms }),
  };
}

export const dtrn: ReferenceLayout<DtrnOptions> = {
  models: ['DTRN'],
  read,
  tensors,
  table: 'embedding.weight',
  outputs,
};
