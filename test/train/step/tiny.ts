/** One optimiser step on a problem that can be worked out by hand: one field, logits = embedding x kernel, SGD. */
import { z } from 'zod';
import type { LossReduction, TaskWeightingOptions } from '../../../src/config/run.ts';
import { matmul } from '../../../src/graph/index.ts';
import { view } from '../../../src/inference/arena/weights.ts';
import type { CommonOptions, ModelDefinition } from '../../../src/model/contract.ts';
import { parameter } from '../../../src/model/layers/layer.ts';
import { network } from '../../../src/model/network.ts';
import { type StepContext, trainStep } from '../../../src/train/step/step.ts';
import {
  openWeighting,
  taskGradients,
  type WeightingState,
  weightingParameters,
} from '../../../src/train/weighting/index.ts';
import { LOG_VARIANCE } from '../../../src/train/weighting/uncertainty.ts';
import { openStep } from './open-step.ts';

const linear: ModelDefinition<CommonOptions> = {
  key: 'linear',
  title: 'Linear',
  paper: 'none',
  purpose: 'numbers that can be worked out by hand',
  options: z.strictObject({ embeddingDim: z.int(), dropout: z.number() }),
  presets: {},
  build({ embeddingDim }, { tasks }) {
    const kernel = parameter('kernel', [embeddingDim, tasks], { kind: 'zeros' });
    return network([kernel], (step) => ({ logits: matmul(step.embedding, kernel(step)) })); // [B,T]
  },
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
  /** Weight of each row. Default 1. */
  weight?: number[];
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
  const layout = { fields: [{ slot: 0, slots: 1, pooling: 'mean', padding: -1 } as const], slots: 1, dimension };
  const opened = await openStep({
    model: linear,
    options: { embeddingDim: dimension, dropout: 0 },
    sizes: { fields: 1, scenarios: 2, tasks },
    layout,
    tableRows: problem.table.length / dimension,
    batchSize: ids.length,
    tableUpdates,
    before: weightingParameters(options, tasks),
    taskGradients: taskGradients(options),
  });
  const { weights, executor } = opened;
  view(weights, 'kernel').set(problem.kernel);
  weights.tables.parts('embedding')[0].view.set(problem.table);

  const state: WeightingState = {};
  const logVariance = () => view(weights, LOG_VARIANCE);
  const weighting = openWeighting({ options, taskWeights, logVariance, seed: 1, phase: 'train' }, state);
  const context: StepContext = {
    ...opened,
    apart: request.apart,
    clipNorm: request.clipNorm,
    weighting,
    lossReduction: request.reduction ?? 'sum',
  };
  const batch = {
    size: ids.length,
    ids: Int32Array.from(ids),
    scenario: Int32Array.from(problem.scenario ?? ids.map(() => 0)),
    labels: Float32Array.from(labels),
    weight: Float32Array.from(problem.weight ?? ids.map(() => 1)),
    group: new Int32Array(ids.length).fill(-1),
    row: Int32Array.from(ids.keys()),
  };
  const losses = await trainStep(context, { batch, step, epoch: 0, learningRate: 1, scalars: {} }).finally(() =>
    executor.release(),
  );
  return {
    losses: [...losses.tasks],
    /** Weights of this step, and of the next. */
    weights: losses.weights,
    next: weighting.weights(),
    state,
    kernel: [...view(weights, 'kernel')],
    table: [...weights.tables.parts('embedding')[0].view],
  };
}
