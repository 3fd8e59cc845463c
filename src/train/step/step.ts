/** One training step: gather, one ONNX run forward and backward, scatter, update. */
import { firstNotFinite } from '../../base/numbers.ts';
import { random } from '../../base/random.ts';
import type { Collective } from '../../comm/contract.ts';
import type { LossReduction } from '../../config/run.ts';
import type { Batch } from '../../data/prepared/prepared.ts';
import { loadRows, type RowLayout, rowsOf } from '../../inference/arena/inputs.ts';
import { totalLength, type Weights } from '../../inference/arena/weights.ts';
import type { Kernels, Region } from '../../kernels/index.ts';
import type { Value } from '../../runtime/contract.ts';
import type { Received } from '../../tables/contract.ts';
import { withoutPadding } from '../../tables/sharded.ts';
import { exchangeRows, sumAtOwners } from '../ranks/row-exchange.ts';
import { keepRows, rowsOfRank, type Share } from '../ranks/rows.ts';
import { type TaskGradient, type TaskWeighting, taskOutput } from '../weighting/contract.ts';
import type { StepBuffers } from './buffers.ts';
import type { StepExecutor } from './executor.ts';
import { nameOf, notFinite, type Place } from './finite.ts';
import type { TrainingGraph } from './graph.ts';
import type { IdDecay } from './id-decay.ts';
import { idleRows, withIdleRows } from './idle-rows.ts';
import { type LabelWeights, lossScale, taskMeans, weighLabels } from './loss.ts';
import { type Gradients, groupRanges, type OptimizerOptions, update, updateGroup } from './optimizer.ts';

/** What is constant within a phase. */
export interface StepContext {
  kernels: Kernels;
  /** Over ranks, a `rankedExecutor`. */
  executor: StepExecutor;
  /** The whole graph. */
  graph: TrainingGraph;
  weights: Weights;
  buffers: StepBuffers;
  layout: RowLayout;
  optimizer: OptimizerOptions;
  /** Decay of id embeddings. */
  decay?: IdDecay;
  /** Optimiser group that `trainStep` does not update; `groupStep` does. */
  apart?: string;
  clipNorm: number | undefined;
  weighting: TaskWeighting;
  lossReduction: LossReduction;
  tasks: readonly string[];
  phase: string;
  dropoutKeep: number;
  seed: number;
  /** The ranks that share each batch; absent where there is one. All have the same weights, and update them alike. */
  ranks?: { collective: Collective; received: Received };
}

export interface StepInput {
  batch: Batch;
  /** Counts from 1 within the phase. */
  step: number;
  epoch: number;
  learningRate: number;
  scalars: Record<string, number>;
  /** Writes the hard gates [size, gates] of the batch's rows. */
  fillGates?: (batch: Batch, out: Float32Array) => void;
  /** Writes [size, width] of a noise input. Default: standard normal numbers, by (seed, phase, step, input). */
  fillNoise?: (input: string, out: Float32Array) => void;
}

/** Losses of a batch before the update. The training loss is their weighted sum (or mean) plus the penalty. */
export interface StepLosses {
  /**
   * Mean loss of each task over its labelled rows (with `perScenarioMean` the sum of the scenarios' means); NaN for a task
   * without labels.
   */
  tasks: Float32Array;
  /** Weight of each task's gradient. */
  weights: readonly number[];
  /** Penalty of the model; 0 for most models. */
  penalty: number;
}

/**
 * Trains on one batch.
 *
 * @throws LOSS_NOT_FINITE; parameters are then as they were before the step
 */
export async function trainStep(context: StepContext, input: StepInput): Promise<StepLosses> {
  const { kernels, weights, buffers } = context;
  const { step, learningRate } = input;
  const { results, losses, taskWeights, scale, denseLength, size } = await runBatch(context, input);
  const count = await rowGradientsOfAll(context, size);
  const gradients: Gradients = {
    dense: buffers.gradient,
    denseLength,
    unique: buffers.unique,
    count,
    summed: buffers.summed,
    stamps: buffers.stamps,
  };
  const ofTasks = (): Promise<TaskGradient[]> => taskGradients(context, size, results, gradients);
  const told = await context.weighting.afterRun?.({
    step,
    losses,
    scale,
    results,
    gradients,
    taskGradients: ofTasks,
    sumOverOwners: (numbers) => sumOverOwners(context, numbers),
  });
  const squares = await checkGradients(context, input, gradients);
  weights.bufferValues.view.set(buffers.nextBuffers.view);
  const gradientScale = clipScale(context, gradients, squares);
  update(kernels, weights, gradients, context.optimizer, { step, learningRate, gradientScale }, context.apart);
  context.decay?.advance(learningRate);
  return { tasks: losses, weights: told ?? taskWeights, penalty: results.penalty.data[0] };
}

/**
 * Updates one optimiser group by the loss of a batch. Nothing else changes: not other parameters, the table, buffers, or the state of
 * the task weighting. `input.step` counts the steps of the group.
 *
 * @throws LOSS_NOT_FINITE; parameters are then as they were before the step
 */
export async function groupStep(context: StepContext, group: string, input: StepInput): Promise<void> {
  const { kernels, weights, buffers, optimizer } = context;
  const { step, learningRate } = input;
  const { denseLength } = await runBatch(context, input);
  const gradients = { dense: buffers.gradient, denseLength };
  await checkGradients(context, input, { ...gradients, count: 0 });
  updateGroup(kernels, weights, gradients, optimizer, { step, learningRate, gradientScale: 1 }, group);
}

/** Results of a batch's run. The gradients are in the workspace: of rows, those of this rank's. */
interface BatchRun {
  /** Rows of this rank, idle ones included. */
  size: number;
  results: Record<string, Value>;
  /** Loss of each task without its weight; NaN for a task without labels. */
  losses: Float32Array;
  taskWeights: readonly number[];
  /** Factor of the sum over tasks. */
  scale: number;
  /** Length of the flat vector up to the last parameter that learns. */
  denseLength: number;
}

/** Loads a batch, with idle rows if they help, and runs the graph forward and backward. */
async function runBatch(context: StepContext, given: StepInput): Promise<BatchRun> {
  const { executor, graph, weights, buffers, layout } = context;
  const share = context.ranks?.collective ?? ALONE;
  const own = rowsOfRank(given.batch, share);
  const batch = withIdleRows(own, idleRows(graph, own.size));
  context.decay?.settleRows(given.batch);
  await loadRows(layout, buffers, batch, weights.tables);
  const taskWeights = context.weighting.weights();
  const scale = lossScale(context.lossReduction, taskWeights.length);
  const factors = taskWeights.map((weight) => scale * weight);
  const labels = weighLabels(given.batch, factors, context.lossReduction, buffers);
  const all = given.batch.size;
  for (const [{ view }, width] of [
    [buffers.labels, factors.length],
    [buffers.lossWeights, factors.length],
    [buffers.rowWeights, 1],
  ] as const) {
    keepRows(view, width, all, share);
    view.fill(0, own.size * width, batch.size * width); // idle rows
  }
  given.fillGates?.(batch, buffers.gates.view);
  const rows = { all: share.size === 1 ? batch.size : all, size: batch.size, share };
  const drawn = { ...fillDropout(context, given, rows), ...fillNoise(context, given, rows) };

  const denseFrom = weights.range.get(graph.trainable[0].name)?.from ?? 0; // after the parameters of the weighting
  const denseLength = denseFrom + totalLength(graph.trainable);
  const into = {
    gradient: between(buffers.gradient, denseFrom, denseLength),
    ...rowGradients(context, batch.size),
    ...(weights.buffers.length > 0 && { buffers: rowsOf(buffers.nextBuffers, weights.bufferValues.view.length) }),
  };
  const results = await executor.run({ size: batch.size, ofBatch: all, scalars: given.scalars, drawn }, into);
  const losses = taskMeans(results.taskLosses.data as Float32Array, factors, labels.labelled);
  checkLosses(context, given, { losses, labels, penalty: results.penalty.data[0], denseLength });
  return { size: batch.size, results, losses, taskWeights, scale, denseLength };
}

const between = ({ view }: Region, from: number, to: number): Value => ({
  type: 'float32',
  shape: [to - from],
  data: view.subarray(from, to),
});

/** Outputs for the gradients of gathered embeddings. */
function rowGradients({ layout, buffers }: StepContext, size: number): Record<string, Value> {
  const { fields, dimension, sequences } = layout;
  const embeddingGradient = rowsOf(buffers.embeddingGradient, size, fields.length * dimension);
  if (sequences === undefined) return { embeddingGradient };
  const { types, length } = sequences;
  return { embeddingGradient, sequenceGradient: rowsOf(buffers.sequenceGradient, size, types, length, dimension) };
}

/**
 * Sums the gradients of equal table rows over all ranks, into `unique` and `summed`; returns the number of rows. Where rows lie on
 * several ranks they are those of this one.
 */
async function rowGradientsOfAll(
  { kernels, layout, buffers, ranks, weights }: StepContext,
  size: number,
): Promise<number> {
  const { shards } = weights.tables;
  const count = sumRowGradients(kernels, shards === undefined ? layout : positionsOf(layout), buffers, size);
  if (ranks === undefined) return count;
  const { collective, received } = ranks;
  return shards === undefined
    ? exchangeRows(collective, kernels, buffers, received, count, layout.dimension)
    : sumAtOwners(shards, kernels, buffers, received, count, layout.dimension);
}

/** The layout of rows whose ids a store on several ranks has replaced by positions. */
const positionsOf = ({ sequences, ...layout }: RowLayout): RowLayout => ({
  ...layout,
  fields: withoutPadding(layout.fields),
  ...(sequences && { sequences: { ...sequences, places: withoutPadding(sequences.places) } }),
});

/** Sums the gradients of equal table rows, of fields and sequences together, into `unique` and `summed`; returns the number of rows. */
export function sumRowGradients(kernels: Kernels, layout: RowLayout, buffers: StepBuffers, size: number): number {
  const { stamps, unique, summed } = buffers;
  const into = { dimension: layout.dimension, stamps, unique, summed };
  const count = kernels.scatterUnique({
    ...into,
    ids: buffers.ids,
    rows: size,
    slots: layout.slots,
    fields: layout.fields,
    gradient: buffers.embeddingGradient,
  });
  if (layout.sequences === undefined) return count;
  const { types, length, places } = layout.sequences;
  return kernels.scatterUnique({
    ...into,
    ids: buffers.sequenceIds,
    rows: size * types,
    slots: length,
    fields: places,
    gradient: buffers.sequenceGradient,
    known: count,
  });
}

/** The gradients of each task alone, without the group `apart`; does not change `gradients`. */
async function taskGradients(
  context: StepContext,
  size: number,
  results: Record<string, Value>,
  { summed, count, denseLength }: Gradients,
): Promise<TaskGradient[]> {
  const { layout, weights, apart } = context;
  const numbers = count * layout.dimension;
  const whole = summed.view.slice(0, numbers);
  const found: TaskGradient[] = [];
  for (const task of context.tasks.keys()) {
    const dense = results[taskOutput(task, 'gradient')].data as Float32Array;
    for (const { group, from, to } of groupRanges(weights, denseLength)) if (group === apart) dense.fill(0, from, to);
    for (const [name, { data }] of Object.entries(rowGradients(context, size)))
      data.set(results[taskOutput(task, name)].data);
    await rowGradientsOfAll(context, size);
    found.push({ dense, rows: summed.view.slice(0, numbers) });
  }
  summed.view.set(whole);
  return found;
}

const ALONE: Share = { rank: 0, size: 1 };

/** What is drawn for a batch: `all` rows, of which `share` has some; `size` rows are read, idle ones among them. */
interface DrawnRows {
  all: number;
  size: number;
  share: Share;
}

/** Masks are a function of (seed, phase, step, layer), so a resumed run draws the same masks, and so does each rank for its rows. */
function fillDropout(
  { kernels, graph, buffers, dropoutKeep, seed, phase }: StepContext,
  { step }: StepInput,
  { all, size, share }: DrawnRows,
): Record<string, Value> {
  const masks: Record<string, Value> = {};
  let from = 0;
  graph.dropout.forEach((mask, layer) => {
    const count = all * mask.width;
    const region: Region = {
      byteOffset: buffers.dropout.byteOffset + from * 4,
      view: buffers.dropout.view.subarray(from, from + count),
    };
    kernels.dropoutMask(
      region,
      count,
      dropoutKeep,
      seed + (phase === 'retrain' ? 1 : 0),
      step * graph.dropout.length + layer,
    );
    keepRows(region.view, mask.width, all, share);
    masks[mask.input] = rowsAt(buffers.dropout, from, size, mask.width);
    from += buffers.capacity * mask.width;
  });
  return masks;
}

/** Noise is a function of (seed, phase, step, input), so a resumed run draws the same noise. */
function fillNoise(
  context: StepContext,
  { step, fillNoise: fill }: StepInput,
  { all, size, share }: DrawnRows,
): Record<string, Value> {
  const { graph, buffers, seed, phase } = context;
  const normals = (input: string, out: Float32Array): void => {
    const generator = random('noise', seed, phase, step, input);
    for (let i = 0; i < out.length; i++) out[i] = generator.normal();
  };
  let from = 0;
  return Object.fromEntries(
    graph.noise.map(({ input, width }) => {
      const drawn = buffers.noise.view.subarray(from, from + all * width);
      (fill ?? normals)(input, drawn);
      keepRows(drawn, width, all, share);
      const value = rowsAt(buffers.noise, from, size, width);
      from += buffers.capacity * width;
      return [input, value];
    }),
  );
}

const rowsAt = ({ view }: Region, from: number, size: number, width: number): Value => ({
  type: 'float32',
  shape: [size, width],
  data: view.subarray(from, from + size * width),
});

const placeOf = ({ phase }: StepContext, { step, epoch, learningRate }: StepInput): Place => ({
  phase,
  step,
  epoch: epoch + 1,
  learningRate,
});

/** Throws LOSS_NOT_FINITE if the loss of a labelled task or the penalty is not finite. */
function checkLosses(
  context: StepContext,
  input: StepInput,
  found: { losses: Float32Array; labels: LabelWeights; penalty: number; denseLength: number },
): void {
  const { losses, labels, penalty, denseLength } = found;
  const broken = losses.findIndex((loss, t) => labels.labelled[t] && !Number.isFinite(loss));
  const { unusable } = labels;
  if (broken < 0 && Number.isFinite(penalty) && unusable === undefined) return;
  const what =
    broken >= 0
      ? `the loss of task "${context.tasks[broken]}"`
      : unusable === undefined
        ? 'what the model adds to the loss'
        : 'the weighted mean of the losses';
  const largestGradient = context.kernels.largest(context.buffers.gradient, 0, denseLength);
  throw notFinite(what, placeOf(context, input), { largestGradient, weights: unusable });
}

/** Adds up numbers that each rank has computed from the rows that it owns. Where it holds all rows they are complete. */
async function sumOverOwners({ weights, ranks }: StepContext, numbers: Float64Array): Promise<void> {
  if (weights.tables.shards !== undefined) await ranks?.collective.allReduce(numbers, 'sum');
}

/**
 * Throws LOSS_NOT_FINITE if gradients of parameters or table rows, or buffers after the step, are not finite, on all ranks. Returns the
 * sum of squares of the gradients of all table rows, if it is needed.
 */
async function checkGradients(
  context: StepContext,
  input: StepInput,
  { dense, denseLength, count }: Pick<Gradients, 'dense' | 'denseLength' | 'count'>,
): Promise<number> {
  const { kernels, buffers, weights, layout } = context;
  const { nextBuffers, summed } = buffers;
  const largestGradient = kernels.largest(dense, 0, denseLength);
  const finds: [number, () => string][] = [
    [largestGradient, () => `the gradient of ${nameOf(weights, firstNotFinite(dense.view.subarray(0, denseLength)))}`],
    [kernels.largest(summed, 0, count * layout.dimension), () => ROW_GRADIENT],
    [kernels.largest(nextBuffers, 0, nextBuffers.view.length), () => 'a moving average of the model'],
  ];
  const broken = finds.find(([largest]) => !Number.isFinite(largest));
  const squares = context.clipNorm === undefined ? 0 : kernels.sumOfSquares(summed, 0, count * layout.dimension);
  const ofAll = Float64Array.of(Number(broken !== undefined), broken === undefined ? squares : 0);
  await sumOverOwners(context, ofAll);
  const [found, squaresOfAll] = ofAll;
  if (found > 0) throw notFinite(broken?.[1]() ?? ROW_GRADIENT, placeOf(context, input), { largestGradient });
  return squaresOfAll;
}

const ROW_GRADIENT = 'the gradient of a row of the embedding table';

/** Factor that scales the gradient norm of a step down to `clipNorm`; 1 without clipping. `ofRows`: squares of the rows' gradients. */
function clipScale(
  { kernels, weights, clipNorm, apart }: StepContext,
  { dense, denseLength }: Gradients,
  ofRows: number,
): number {
  if (clipNorm === undefined) return 1;
  const squares = groupRanges(weights, denseLength)
    .filter(({ group }) => group !== apart)
    .reduce((sum, { from, to }) => sum + kernels.sumOfSquares(dense, from, to), ofRows);
  return Math.min(1, clipNorm / (Math.sqrt(squares) + 1e-6));
}
