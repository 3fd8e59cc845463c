/** One optimiser step on a problem that can be worked out by hand: one field, logits = embedding x kernel, SGD. */
import { z } from 'zod';
import { type LossReduction, runSchema, type TaskWeightingOptions } from '../../src/config/run.ts';
import { matmul } from '../../src/graph/index.ts';
import { loadKernels } from '../../src/kernels/index.ts';
import type { CommonOptions, ModelDefinition } from '../../src/model/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import { trainingGraph } from '../../src/train/graphs.ts';
import { allocateStep, type StepContext, stepBytes, trainStep } from '../../src/train/step.ts';
import {
  openWeighting,
  taskGradients,
  type WeightingState,
  weightingParameters,
  withWeightingGroup,
} from '../../src/train/weighting/index.ts';
import { LOG_VARIANCE } from '../../src/train/weighting/uncertainty.ts';
import { allocateWeights, totalLength, view, weightBytes } from '../../src/train/weights.ts';

const linear: ModelDefinition<CommonOptions> = {
  key: 'linear',
  title: 'Linear',
  paper: 'none',
  purpose: 'numbers that can be worked out by hand',
  options: z.strictObject({ embeddingDim: z.int(), dropout: z.number() }),
  presets: {},
  parameters: ({ embeddingDim }, { tasks }) => [
    { name: 'kernel', shape: [embeddingDim, tasks], initializer: { kind: 'zeros' }, group: 'weight' },
  ],
  forward: ({ embedding, parameter }) => ({ logits: matmul(embedding, parameter('kernel')) }), // [B,T]
};

export interface Problem {
  /** [D, T] */
  kernel: number[];
  /** [V, D] */
  table: number[];
  dimension: number;
  /** Table row and scenario of each row, and its labels (NaN where missing): [B], [B], [B, T]. */
  ids: number[];
  scenario?: number[];
  labels: number[];
}

export interface StepOptions {
  weighting?: TaskWeightingOptions;
  taskWeights?: number[];
  reduction?: LossReduction;
  clipNorm?: number;
  tableUpdates?: 'lazy' | 'dense';
  /** A group that the step leaves alone; the kernel's is "weight". */
  apart?: string;
  /** Which step of the phase this is. Default 1. */
  step?: number;
}

/** What one step of SGD with learning rate 1 makes of a problem. */
export async function stepOn(problem: Problem, request: StepOptions = {}) {
  const { dimension, ids, labels } = problem;
  const { weighting: options = { kind: 'fixed' }, tableUpdates = 'lazy', step = 1 } = request;
  const tasks = labels.length / ids.length;
  const taskWeights = request.taskWeights ?? new Array<number>(tasks).fill(1);
  const sizes = { fields: 1, scenarios: 2, tasks };
  const modelOptions = { embeddingDim: dimension, dropout: 0 };
  const graph = trainingGraph({
    model: linear,
    options: modelOptions,
    sizes,
    phase: 'train',
    batchSize: ids.length,
    taskGradients: taskGradients(options),
  });
  const layout = { fields: [{ slot: 0, slots: 1, pooling: 'mean', padding: -1 } as const], slots: 1, dimension };
  const specs = [...weightingParameters(options, tasks), ...linear.parameters(modelOptions, sizes)];
  const tableRows = problem.table.length / dimension;
  const weightSizes = { specs, buffers: [], tableRows, dimension, gateTable: false, moments: 0 as const };
  const stepSizes = {
    batchSize: ids.length,
    tasks,
    gates: 0,
    denseParameters: totalLength(specs),
    buffers: 0,
    tableRows,
    tableUpdates,
    dropout: 0,
    noise: 0,
  };
  const kernels = await loadKernels();
  const arena = kernels.createArena(weightBytes(weightSizes) + stepBytes(stepSizes, layout));
  const weights = allocateWeights(arena, weightSizes);
  view(weights, 'kernel').set(problem.kernel);
  weights.table.view.set(problem.table);

  const { train } = runSchema.parse({ model: { key: 'linear' }, train: { optimizer: 'sgd', l2: 0, tableUpdates } });
  const state: WeightingState = {};
  const logVariance = () => view(weights, LOG_VARIANCE);
  const weighting = openWeighting({ options, taskWeights, logVariance, seed: 1, phase: 'train' }, state);
  const session = await createSession(graph.bytes, { threads: 1 });
  const context: StepContext = {
    kernels,
    session,
    graph,
    weights,
    buffers: allocateStep(arena, stepSizes, layout),
    layout,
    optimizer: { ...train, groups: withWeightingGroup(train.groups) },
    apart: request.apart,
    clipNorm: request.clipNorm,
    weighting,
    lossReduction: request.reduction ?? 'sum',
    tasks: Array.from({ length: tasks }, (_, t) => `task ${t}`),
    phase: 'train',
    dropoutKeep: 1,
    seed: 1,
  };
  const batch = {
    size: ids.length,
    ids: Int32Array.from(ids),
    scenario: Int32Array.from(problem.scenario ?? ids.map(() => 0)),
    labels: Float32Array.from(labels),
    weight: new Float32Array(ids.length).fill(1),
    group: new Int32Array(ids.length).fill(-1),
    row: Int32Array.from(ids.keys()),
  };
  const losses = await trainStep(context, { batch, step, epoch: 0, learningRate: 1, scalars: {} });
  await session.release();
  return {
    losses: [...losses.tasks],
    /** Weights of this step, and of the next. */
    weights: losses.weights,
    next: weighting.weights(),
    state,
    kernel: [...view(weights, 'kernel')],
    table: [...weights.table.view],
  };
}
