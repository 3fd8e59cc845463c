/** TorchEasyRec's EPNet and PPNet (alibaba/TorchEasyRec), with a scenario embedding and a linear head per task around them. */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { fieldIndices } from '../../model/layers/fields.ts';
import { headCount } from '../../model/layers/heads.ts';
import type { PepnetOptions } from '../../model/zoo/pepnet.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';
import { baselineOutputs, baselineReader, linearTensors, type Place, vectorTensor } from './baseline.ts';

/** The reference takes x and the prior r apart: here they are fields of one row, named by what they belong to. */
const namesOf = (part: 'x' | 'prior', count: number): string[] => range(count).map((i) => `${part}.${i}`);

const readInputs = baselineReader(
  {
    scenario_embedding: z.int(),
    prior_dim: z.int().min(1),
    epnet_hidden: z.int().min(1),
    hidden_units: z.array(z.int()),
    ppnet_gate_hidden: z.literal('same as the layer width').optional(),
    gamma: z.literal(2).optional(),
  },
  ({ heads = 'shared', ...config }) => ({
    key: 'pepnet' as const,
    embeddingDim: 1,
    dropout: 0,
    inputFields: namesOf('x', config.D),
    priorFields: namesOf('prior', config.prior_dim),
    taskDims: config.hidden_units,
    gateDim: config.epnet_hidden,
    towerDims: [],
    scenarioDim: config.scenario_embedding,
    heads,
  }),
);

export const pepnet: ReferenceLayout<PepnetOptions> = {
  models: ['pepnet'],
  inputs: ['x', 'prior'],
  read: (config) => {
    const { options, sizes, tableRows } = readInputs(config);
    const fieldNames = [...options.inputFields, ...options.priorFields];
    return { options, sizes: { ...sizes, fields: fieldNames.length, fieldNames }, tableRows };
  },
  tensors: (options, sizes) => {
    const { embeddingDim, scenarioDim, gateDim, taskDims, towerDims, heads } = options;
    const inputs = fieldIndices(options.inputFields, sizes).length * embeddingDim;
    const priors = fieldIndices(options.priorFields, sizes).length * embeddingDim;
    const before = [inputs, ...taskDims];
    const tower = [before.at(-1) as number, ...towerDims, 1];
    const table = [sizes.scenarios, scenarioDim];
    return [
      vectorTensor('scenario_embedding.weight', { parameter: 'scenario.embedding' }, table[0] * table[1], table),
      ...gateTensors('epnet.gate_nu', { parameter: 'input.gate' }, [scenarioDim + inputs, gateDim || inputs, inputs]),
      ...layers(options, sizes).flatMap(({ task, layer, index }) => {
        const outputs = taskDims[layer];
        const ours = { parameter: `task.${layer}`, member: task };
        const gate = { parameter: `task.${layer}.gate`, member: task };
        return [
          ...linearTensors(`ppnet.linears.${index}`, ours, before[layer], outputs),
          ...gateTensors(`ppnet.gate_nus.${index}`, gate, [priors + inputs, outputs, outputs]),
        ];
      }),
      ...range(headCount(heads, sizes)).flatMap((member) =>
        tower.slice(1).flatMap((outputs, i) => {
          // Heads are one layer there: layers of a tower would stand before it.
          const name = i === towerDims.length ? `heads.${member}` : `towers.${member}.${i}`;
          return linearTensors(name, { parameter: `tower.${i}`, member }, tower[i], outputs);
        }),
      ),
    ];
  },
  outputs: (options, sizes, forward) => ({
    ...baselineOutputs(options, sizes, forward),
    ...(forward.diagnostics && { epnet: forward.diagnostics.rescaled }),
  }),
};

/** The reference counts the layers of all tasks in one row. */
const layers = ({ taskDims }: PepnetOptions, { tasks }: ModelSizes) =>
  range(tasks).flatMap((task) => taskDims.map((_, layer) => ({ task, layer, index: task * taskDims.length + layer })));

/** `widths`: input, hidden layer, factors. */
const gateTensors = (reference: string, { parameter, member }: Place, widths: readonly number[]): ReferenceTensor[] =>
  [0, 1].flatMap((i) =>
    linearTensors(
      `${reference}.dense_layers.${2 * i}`,
      { parameter: `${parameter}.${i}`, member },
      widths[i],
      widths[i + 1],
    ),
  );
