/**
 * Names of the port of the authors' layers that the fixtures come from: matrices [in, out] as here, towers apart by task.
 * A scenario is a path through the levels of a tree there; ours are all combinations, numbered with the last level fastest.
 */

import { z } from 'zod';
import { range } from '../../base/numbers.ts';
import { cast, concat, div, equal, matmul, reduceSum, reshape, type Tensor } from '../../graph/index.ts';
import type { ForwardOutputs, ModelSizes } from '../../model/contract.ts';
import { aesm2 as model } from '../../model/zoo/aesm2/model.ts';
import { type Aesm2Options, aesm2Options, type LayersOptions } from '../../model/zoo/aesm2/options.ts';
import { nodeCount, structureOf } from '../../model/zoo/aesm2/structure.ts';
import { readConfiguration } from '../configuration.ts';
import type { ReferenceLayout, ReferenceTensor } from '../contract.ts';

const positive = z.int().min(1);
const layers = z
  .strictObject({
    num_layer: positive,
    num_expert: positive,
    topk_sp: positive,
    topk_sh: positive,
    expert_hidden: z.array(positive).min(1),
  })
  .refine(
    ({ num_expert: count, topk_sp, topk_sh }) => Math.max(topk_sp, topk_sh) <= count,
    'expected no more chosen experts than there are',
  );
const norm = z.enum(['none', 'batch']);

const configSchema = z
  .strictObject({
    batch: positive.optional(),
    vocab: z.array(positive).min(1),
    feat_num: positive,
    field_offsets: z.array(z.int().min(0)).optional(),
    dim: positive,
    scenarios: z.array(positive).min(1),
    tasks: positive,
    scenario_dim: positive,
    task_dim: positive,
    scenario_layers: z.array(layers).min(1),
    task_layers: layers,
    tower: z.array(positive),
    lambda_specific: z.number().min(0),
    lambda_shared: z.number().min(0),
    bn_decay: z.number().min(0).lt(1),
    noise_scope: z.enum(['select', 'all']),
    noise_std: z.number().min(0).optional(),
    mask_mode: z.enum(['select', 'multiply']),
    gate_norm: norm,
    expert_norm: norm,
  })
  .refine(({ scenarios, scenario_layers: given }) => given.length === scenarios.length, {
    path: ['scenario_layers'],
    message: 'expected one entry for each level of "scenarios"',
  });

function read(config: Record<string, unknown>): { options: Aesm2Options; sizes: ModelSizes; tableRows: number } {
  const c = readConfiguration(configSchema, config);
  const options = aesm2Options.parse({
    embeddingDim: c.dim,
    scenarioDim: c.scenario_dim,
    taskDim: c.task_dim,
    scenarioTree: combinations(c.scenarios),
    scenarioLayers: c.scenario_layers.map(layersOf),
    taskLayers: layersOf(c.task_layers),
    towerDims: c.tower,
    lambdaSpecific: c.lambda_specific,
    lambdaShared: c.lambda_shared,
    noise: c.noise_std ?? 0,
    noiseScope: c.noise_scope,
    maskMode: c.mask_mode,
    expertNorm: c.expert_norm,
    gateNorm: c.gate_norm,
    bnDecay: c.bn_decay,
  });
  const scenarios = c.scenarios.reduce((product, count) => product * count, 1);
  return { options, sizes: { fields: c.vocab.length, scenarios, tasks: c.tasks }, tableRows: c.feat_num };
}

const layersOf = (from: z.output<typeof layers>): LayersOptions => ({
  layers: from.num_layer,
  experts: from.num_expert,
  kSpecific: from.topk_sp,
  kShared: from.topk_sh,
  expertDims: from.expert_hidden,
});

/** The node at each level of every combination of nodes. */
function combinations(counts: readonly number[]): number[][] {
  const total = counts.reduce((product, count) => product * count, 1);
  return counts.map((count, level) => {
    const below = counts.slice(level + 1).reduce((product, next) => product * next, 1);
    return range(total).map((id) => Math.floor(id / below) % count);
  });
}

/** Our names hold those of the reference in other words; a stack of towers is one parameter here. */
const tensors = (options: Aesm2Options, sizes: ModelSizes): ReferenceTensor[] =>
  model.build(options, sizes).parameters.flatMap(({ name, shape }) => {
    const tower = /^tower\.(\d+)\.(kernel|bias)$/.exec(name);
    if (tower === null) return [{ name: referenceName(name), shape, parameter: name, place: (index: number) => index }];
    const [count, ...own] = shape;
    const size = own.reduce((product, n) => product * n, 1);
    return range(count).map((task) => ({
      name: `tower.${task}.fc${tower[1]}.${WORDS[tower[2]]}`,
      shape: own,
      parameter: name,
      place: (index: number) => task * size + index,
    }));
  });

const movingAverages = (options: Aesm2Options, sizes: ModelSizes): ReferenceTensor[] =>
  model.build(options, sizes).buffers.map(({ name, shape }) => ({
    name: referenceName(name),
    shape,
    parameter: name,
    place: (index) => index,
  }));

const WORDS: Record<string, string> = {
  kernel: 'weight',
  bias: 'bias',
  'norm.scale': 'gamma',
  'norm.shift': 'beta',
  'norm.mean': 'running_mean',
  'norm.variance': 'running_var',
};

/** `scenario.0.1.expert.0.norm.scale` -> `scenario.0.1.expert.fc0.gamma`. */
function referenceName(name: string): string {
  if (name === 'taskEmbedding') return 'task_embedding.weight';
  const level = /^scenarioEmbedding\.(\d+)$/.exec(name)?.[1];
  if (level !== undefined) return `scenario_embedding.${level}.weight`;
  const [, place, fc, word] = /^(.+?\.(?:expert|gate))(?:\.(\d+))?\.([a-z.]+)$/.exec(name) as RegExpExecArray;
  return `${place}${fc === undefined ? '' : `.fc${fc}`}.${WORDS[word]}`;
}

function outputs(
  options: Aesm2Options,
  sizes: ModelSizes,
  { logits, diagnostics = {} }: ForwardOutputs,
): Record<string, Tensor> {
  const { levels, taskLayers } = structureOf(options, sizes);
  const ofLevels = levels.flatMap(({ layers }) => layers.map((layer) => ({ name: layer.name, layer })));
  const ofTasks = taskLayers.flatMap((layer) => range(sizes.tasks).map((t) => ({ name: `${layer.name}.${t}`, layer })));
  const uses = [...ofLevels, ...ofTasks];
  const mean = (name: string): Tensor =>
    reshape(div(reduceSum(diagnostics[name]), logits.graph.input('rows', [])), [1]);
  return {
    logits,
    kl_specific: concat(
      uses.map(({ name }) => mean(`${name}.specificLoss`)),
      0,
    ), // [uses]
    kl_shared: concat(
      uses.map(({ name }) => mean(`${name}.sharedLoss`)),
      0,
    ), // [uses]
    ...Object.fromEntries(
      uses.flatMap(({ name, layer }) => [
        [`${name}.gate_logits`, diagnostics[`${name}.gateLogits`]],
        [`${name}.kl_specific`, diagnostics[`${name}.specific`]],
        [`${name}.kl_shared`, diagnostics[`${name}.shared`]],
        [`${name}.specific_index`, inOrder(diagnostics[`${name}.specificRank`], layer.kSpecific)],
        [`${name}.shared_index`, inOrder(diagnostics[`${name}.sharedRank`], layer.kShared)],
        [`${name}.selection_count`, diagnostics[`${name}.count`]],
        [`${name}.mix_weights`, diagnostics[`${name}.weights`]],
        [`${name}.output`, diagnostics[`${name}.output`]],
      ]),
    ),
  };
}

/** The experts of the first k ranks: ranks [B, E] -> [B, k]. */
function inOrder(ranks: Tensor, k: number): Tensor {
  const experts = ranks.shape[1] as number;
  const indices = ranks.graph.constant(range(experts), [experts, 1]);
  const at = (rank: number): Tensor => matmul(cast(equal(ranks, rank), 'float32'), indices); // [B,1]
  return concat(range(k).map(at), 1);
}

export const aesm2: ReferenceLayout<Aesm2Options> = {
  models: ['AESM^2'],
  read,
  tensors,
  buffers: movingAverages,
  table: 'embedding.weight',
  levels: ({ scenarioTree }) => scenarioTree.map(nodeCount),
  outputs,
};
