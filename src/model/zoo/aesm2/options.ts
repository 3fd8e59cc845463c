/** The options of AESM². */
import { z } from 'zod';
import { modelOptions, nonNegative, option, positive, widths } from '../../options.ts';

const layersOption = (experts: number, layers: number, expertDims: number[]) =>
  z
    .strictObject({
      layers: positive.default(layers).describe('layers, one after another'),
      experts: positive.default(experts).describe('experts of each layer'),
      kSpecific: positive.default(2).describe('experts chosen as specific to the scenario or task'),
      kShared: positive.default(2).describe('experts chosen as shared'),
      expertDims: widths.min(1).default(expertDims).describe('widths of each expert'),
    })
    .superRefine(({ experts: count, ...chosen }, context) => {
      for (const path of ['kSpecific', 'kShared'] as const)
        if (chosen[path] > count)
          context.addIssue({
            code: 'custom',
            path: [path],
            message: `expected at most ${count}, the number of experts, found ${chosen[path]}`,
          });
    });

const scenarioLayers = layersOption(6, 2, [128, 64]);
const taskLayers = layersOption(6, 1, [64]);

export const aesm2Options = modelOptions('aesm2', {
  scenarioDim: option.scenarioDim,
  taskDim: positive.default(16).describe("numbers of a task's own embedding"),
  scenarioTree: z
    .array(z.array(z.int().min(0)).min(1))
    .default([])
    .describe(
      'per level, from the root: the node of each scenario, from 0; empty: one level, the scenarios themselves',
    ),
  scenarioLayers: z
    .array(scenarioLayers)
    .min(1)
    .default([scenarioLayers.parse({})])
    .describe(
      'of each level of the tree: layers of experts, of which kSpecific and kShared are chosen; one entry serves all levels',
    ),
  taskLayers: taskLayers
    .default(taskLayers.parse({}))
    .describe('the same of the tasks, which share their experts and gates'),
  towerDims: widths.default([32]).describe("widths of each task's tower before its answer"),
  lambdaSpecific: nonNegative.default(0.01).describe('weight of the KL losses of specific experts'),
  lambdaShared: nonNegative.default(0.01).describe('weight of the KL losses of shared experts'),
  noise: nonNegative
    .default(0.1)
    .describe('standard deviation of the noise on gates at the start, linear to 0 (published: noise scale x experts)'),
  noiseScope: z
    .enum(['select', 'all'])
    .default('select')
    .describe('noise in the choice of experts (published code), or in their weights, too (paper)'),
  maskMode: z
    .enum(['select', 'multiply'])
    .default('select')
    .describe('mix the chosen experts, or multiply gates by -1e9 where not chosen, as the published code does'),
  expertNorm: option.norm,
  gateNorm: z
    .enum(['none', 'batch'])
    .default('none')
    .describe('bias or batch norm on gates; the norm takes the task out of them in training'),
  bnDecay: z.number().min(0).lt(1).default(0.999).describe('share that moving averages of batch norms keep in a step'),
});

export type Aesm2Options = z.output<typeof aesm2Options>;
export type LayersOptions = Aesm2Options['taskLayers'];
