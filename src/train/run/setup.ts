/** Builds everything that a run needs once: model, data, arena, weights and buffers. */
import type { Collective } from '../../comm/contract.ts';
import { localCollective } from '../../comm/local.ts';
import type { RunConfig } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { RanksDocument } from '../../documents/result.ts';
import { type ModelArena, openArena } from '../../inference/arena/arena.ts';
import { rowLayout, sequenceSlots } from '../../inference/arena/inputs.ts';
import { totalLength, view } from '../../inference/arena/weights.ts';
import { type DrawnInput, readsSequences } from '../../inference/graphs/forward.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import type { CommonOptions, ModelDefinition, ModelSizes, Phase } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import { findModel } from '../../model/registry.ts';
import type { Received } from '../../tables/contract.ts';
import { tableBytes } from '../../tables/one-memory.ts';
import type { MemoryLimits } from '../../tables/open.ts';
import { rowsOwned } from '../../tables/owners.ts';
import { type PhasePlan, planPhases } from '../phases/phases.ts';
import { allocateReceived, receivedBytes } from '../ranks/row-exchange.ts';
import { limitsOfRank, placeTables } from '../ranks/tables.ts';
import { WeightAverage } from '../step/average.ts';
import { allocateStep, batchRows, type StepBuffers, stepBytes } from '../step/buffers.ts';
import type { StepExecutor } from '../step/executor.ts';
import { type TrainingGraph, type TrainingRequest, trainingGraph } from '../step/graph.ts';
import { decayedFields, IdDecay } from '../step/id-decay.ts';
import { IDLE_ROWS } from '../step/idle-rows.ts';
import { initialize } from '../step/initialize.ts';
import { momentCount, type OptimizerOptions, tableUpdates } from '../step/optimizer.ts';
import type { StepContext } from '../step/step.ts';
import {
  openWeighting,
  taskGradients,
  type WeightingState,
  weightingParameters,
  withWeightingGroup,
} from '../weighting/index.ts';
import { LOG_VARIANCE } from '../weighting/uncertainty.ts';

export interface Setup extends ModelArena {
  /** Marks checkpoints as belonging to this run; absent if none are written. */
  run?: string;
  config: RunConfig;
  data: PreparedData;
  model: ModelDefinition<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  optimizer: OptimizerOptions;
  /** Decay of id embeddings, if some decay. */
  decay: IdDecay | undefined;
  /** Average of the weights in the last phase, if the run keeps it. */
  average: WeightAverage | undefined;
  /** Total size of the model's parameters, in numbers. */
  denseParameters: number;
  /** Rows to train on. */
  step: StepBuffers;
  /** The ranks that train together: this one alone unless a launcher started several. */
  ranks: Collective;
  /** Where they have the rows of tables, and why; absent where there is one. */
  placement: RanksDocument | undefined;
  /** Workspace for what other ranks send; absent where there are none. */
  received: Received | undefined;
  graphRequest: (phase: Phase, batchSize: number) => TrainingRequest;
}

/** @throws MODEL_UNKNOWN, SEQUENCES_MISSING, TABLES_TOO_LARGE, MEMORY_TOO_LARGE, MEMORY_UNAVAILABLE */
export async function setUp(
  config: RunConfig,
  data: PreparedData,
  { ranks = localCollective(), limits }: { ranks?: Collective; limits?: MemoryLimits } = {},
): Promise<Setup> {
  const { manifest } = data;
  const model = findModel(config.model.key);
  const options = model.options.parse(config.model);
  const sizes = modelSizes(manifest);
  const { parameters, buffers, dimension } = networkOf(model, options, sizes);
  const gateWidth = (model.flowSelection?.flows.length ?? 0) * sizes.tasks;
  const graphRequest = (phase: Phase, batchSize: number): TrainingRequest => ({
    model,
    options,
    sizes,
    phase,
    batchSize,
    taskGradients: taskGradients(config.train.taskWeighting),
  });

  const { train } = config;
  const plans = planPhases(model, train);
  const graphs = plans.map(({ phase }) => trainingGraph(graphRequest(phase, train.batchSize)));
  const sequences = graphs.some(readsSequences) ? sizes.sequences : undefined;
  const layout = rowLayout(manifest.fields, dimension, sequences);
  const specs = [...weightingParameters(train.taskWeighting, sizes.tasks), ...parameters];
  const updates = tableUpdates(train, batchRows({ batchSize: train.batchSize, tableRows: manifest.tableRows }, layout));
  const gateTable = model.flowSelection !== undefined;
  const tables = { rows: manifest.tableRows, dimension, gateTable, moments: momentCount(train), updates };
  const whole = tableBytes(tables) + elsewhereBytes(train, tables);
  const placement = await placeTables(train.tables, whole, ranks, limits);
  const sharded = placement?.tables === 'sharded';
  const stepSizes = {
    batchSize: train.batchSize,
    tasks: sizes.tasks,
    gates: gateWidth,
    denseParameters: totalLength(specs),
    buffers: totalLength(buffers),
    tableRows: manifest.tableRows,
    ...(sharded && { ownRows: rowsOwned(manifest.tableRows, ranks) }),
    ...drawnWidths(graphs),
  };
  const idsPerRow = layout.slots + sequenceSlots(layout);
  const receivedSizes = {
    uses: (train.batchSize + IDLE_ROWS) * idsPerRow,
    tableRows: manifest.tableRows,
    dimension,
    ranks: ranks.size,
  };
  const apart = ranks.size > 1;
  const longest = Math.max(Math.ceil(train.batchSize / ranks.size) + IDLE_ROWS, train.evaluationBatchSize);
  const rowsAtOnce = Math.min(manifest.tableRows, longest * idsPerRow);
  const { more, ...arena } = await openArena(
    {
      weights: { specs, buffers, tables },
      layout,
      capacity: train.evaluationBatchSize,
      gateWidth,
      limits: limitsOfRank(ranks, limits),
      shards: sharded ? { ranks, rowsAtOnce } : undefined,
      elsewhere: elsewhereBytes(train, {
        rows: sharded ? rowsOwned(manifest.tableRows, ranks) : manifest.tableRows,
        dimension,
      }),
    },
    {
      bytes: stepBytes(stepSizes, layout) + (apart ? receivedBytes(receivedSizes) : 0),
      allocate: (memory) => ({
        step: allocateStep(memory, stepSizes, layout),
        received: apart ? allocateReceived(memory, receivedSizes) : undefined,
      }),
    },
  );
  const decay = openDecay(config, data, arena);
  return {
    ...arena,
    ...more,
    ranks,
    placement,
    config,
    data,
    model,
    options,
    sizes,
    optimizer: { ...train, groups: withWeightingGroup(train.groups) },
    decay,
    average:
      train.weightAverage > 0
        ? new WeightAverage(arena.weights, train.weightAverage, () => decay?.settleAll())
        : undefined,
    denseParameters: totalLength(parameters),
    graphRequest,
  };
}

/** Memory of numbers that are kept for each row of the table outside of it: its average, and what it owes to decay. */
const elsewhereBytes = (
  { weightAverage, idDecay }: RunConfig['train'],
  { rows, dimension }: { rows: number; dimension: number },
): number => 4 * rows * ((weightAverage > 0 ? dimension : 0) + (idDecay === 'off' ? 0 : 1));

/** The weights before the first step. */
export const startWeights = ({ weights, data, options, config, decay }: Setup, seed: number): void =>
  initialize(weights, data.manifest.tableRows, options.embeddingDim, seed, {
    deviation: config.train.tableDeviation,
    zero: decay?.fields,
  });

/** `newRun` has put a number for each field into the configuration. */
function openDecay(
  { train }: RunConfig,
  { manifest }: PreparedData,
  { weights, layout }: ModelArena,
): IdDecay | undefined {
  const { idDecay } = train;
  if (idDecay === 'off') return undefined;
  if (typeof idDecay !== 'object') throw new Error('idDecay needs a number for each field');
  const fields = decayedFields(manifest.fields, layout, idDecay, manifest.sequences?.itemField);
  return new IdDecay(weights.tables, layout, fields, train.tableUpdates);
}

/** Context of the steps of a phase. `state`: state of the task weighting in the phase. */
export const stepContext = (
  setup: Setup,
  plan: PhasePlan,
  graph: TrainingGraph,
  executor: StepExecutor,
  state: WeightingState = {},
): StepContext => ({
  kernels: setup.kernels,
  executor,
  graph,
  weights: setup.weights,
  buffers: setup.step,
  layout: setup.layout,
  optimizer: { ...setup.optimizer, l2: plan.l2 },
  decay: setup.decay,
  apart: setup.model.validationGroup?.(setup.options)?.group,
  clipNorm: setup.config.train.clipNorm,
  weighting: openWeighting(
    {
      options: setup.config.train.taskWeighting,
      taskWeights: setup.data.manifest.tasks.map((task) => taskWeight(setup.config, task)),
      logVariance: () => view(setup.weights, LOG_VARIANCE),
      seed: setup.config.seed,
      phase: plan.phase,
    },
    state,
  ),
  lossReduction: setup.config.train.lossReduction,
  tasks: setup.data.manifest.tasks,
  phase: plan.phase,
  dropoutKeep: 1 - setup.options.dropout,
  seed: setup.config.seed,
  ranks: setup.received && { collective: setup.ranks, received: setup.received },
});

/** A task may have the name of an inherited property, such as `constructor`. */
const taskWeight = ({ train: { taskWeights } }: RunConfig, task: string): number =>
  Object.hasOwn(taskWeights, task) ? taskWeights[task] : 1;

/** Max random numbers per row that a step draws, over all phases. */
function drawnWidths(graphs: TrainingGraph[]): { dropout: number; noise: number } {
  const widest = (of: (graph: TrainingGraph) => DrawnInput[]): number =>
    Math.max(...graphs.map((graph) => of(graph).reduce((sum, { width }) => sum + width, 0)));
  return { dropout: widest(({ dropout }) => dropout), noise: widest(({ noise }) => noise) };
}
