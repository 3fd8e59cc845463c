/** What takes training steps by SGD without L2, without a run around it. */
import { runSchema } from '../../../src/config/run.ts';
import type { RowLayout } from '../../../src/inference/arena/inputs.ts';
import { allocateWeights, totalLength, weightBytes } from '../../../src/inference/arena/weights.ts';
import { loadKernels } from '../../../src/kernels/index.ts';
import type { CommonOptions, ModelDefinition, ModelSizes, ParameterSpec } from '../../../src/model/contract.ts';
import { networkOf } from '../../../src/model/network.ts';
import { createSession } from '../../../src/runtime/session.ts';
import { oneMemory, tableBytes } from '../../../src/tables/one-memory.ts';
import { allocateStep, batchRows, stepBytes } from '../../../src/train/step/buffers.ts';
import { stepExecutor } from '../../../src/train/step/executor.ts';
import { trainingGraph } from '../../../src/train/step/graph.ts';
import { tableUpdates as updatesOf } from '../../../src/train/step/optimizer.ts';
import type { StepContext } from '../../../src/train/step/step.ts';
import type { TaskGradients } from '../../../src/train/weighting/contract.ts';
import { withWeightingGroup } from '../../../src/train/weighting/index.ts';

export interface StepRequest {
  model: ModelDefinition<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  layout: RowLayout;
  tableRows: number;
  /** Rows that a batch may have. */
  batchSize: number;
  tableUpdates: 'lazy' | 'dense';
  /** Parameters that stand before the model's own. */
  before?: ParameterSpec[];
  taskGradients?: TaskGradients;
}

/** All but the weighting of the tasks. Parameters and table are zeros. The session is the caller's to release. */
export async function openStep(request: StepRequest): Promise<Omit<StepContext, 'weighting'>> {
  const { model, options, sizes, layout, tableRows, batchSize, tableUpdates, before = [], taskGradients } = request;
  const graph = trainingGraph({ model, options, sizes, phase: 'train', batchSize, taskGradients });
  const specs = [...before, ...networkOf(model, options, sizes).parameters];
  const { dimension } = layout;
  const { tasks } = sizes;
  const denseParameters = totalLength(specs);
  const nothing = { gates: 0, buffers: 0, dropout: 0, noise: 0 };
  const stepSizes = { ...nothing, batchSize, tasks, denseParameters, tableRows };
  const { train } = runSchema.parse({ model: { key: model.key }, train: { optimizer: 'sgd', l2: 0, tableUpdates } });
  const updates = updatesOf(train, batchRows(stepSizes, layout));
  const tables = { rows: tableRows, dimension, gateTable: false, moments: 0 as const, updates };
  const weightSizes = { specs, buffers: [], tables };
  const kernels = await loadKernels();
  const arena = kernels.createArena(weightBytes(weightSizes) + tableBytes(tables) + stepBytes(stepSizes, layout));
  const weights = allocateWeights(arena, weightSizes, oneMemory(kernels, arena, tables));
  const buffers = allocateStep(arena, stepSizes, layout);
  const session = await createSession(graph.bytes, { threads: 1 });
  return {
    kernels,
    executor: stepExecutor(session, graph, weights, buffers, layout),
    graph,
    weights,
    buffers,
    layout,
    optimizer: { ...train, groups: withWeightingGroup(train.groups) },
    clipNorm: undefined,
    lossReduction: 'sum',
    tasks: Array.from({ length: tasks }, (_, t) => `task ${t}`),
    phase: 'train',
    dropoutKeep: 1,
    seed: 1,
  };
}
