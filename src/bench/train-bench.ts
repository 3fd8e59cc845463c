/** How fast a model trains: whole steps, as training makes them, on synthetic rows, beside the machine's own peak. */
import { availableParallelism } from 'node:os';
import { error } from '../base/errors/index.ts';
import { loadRun } from '../config/load.ts';
import type { RunConfig } from '../config/run.ts';
import type { Batch, PreparedData } from '../data/prepared.ts';
import { multiplyAdds } from '../graph/index.ts';
import type { ModelSizes, Phase } from '../model/contract.ts';
import { findModel, models } from '../model/registry.ts';
import type { Session, SessionOptions } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import { cacheGates, type GateSource, liveGates } from '../train/gates.ts';
import { gateGraph, inferenceGraph, readsSequences, type TrainingGraph, trainingGraph } from '../train/graphs.ts';
import { type PhasePlan, planPhases } from '../train/phases.ts';
import { scalarsAt } from '../train/schedule.ts';
import { type Setup, setUp, stepContext } from '../train/setup.ts';
import { type StepContext, type StepInput, trainStep } from '../train/step.ts';
import { initialize } from '../train/weights.ts';
import { Clock, PARTS, type Part } from './clock.ts';
import { median } from './median.ts';
import { largestProduct, openPeak, type ProductSizes } from './peak.ts';
import { operatorShares } from './profile.ts';
import { syntheticData } from './synthetic-data.ts';

export interface TrainBenchOptions {
  model: string;
  /** Decides the model's sizes, the batch, the optimiser and the table updates. */
  preset?: string;
  /** Rows of the embedding table; several are measured side by side. */
  vocabulary: number[];
  /** Default: all phases of the model. */
  phase?: string;
  /** Measured steps of each phase. */
  steps: number;
  /** Instead of the preset's. */
  tables?: 'lazy' | 'dense';
  batch?: number;
  fields?: number;
  scenarios?: number;
  tasks?: number;
  /** Default: all cores. */
  threads?: number;
  backend?: SessionOptions['backend'];
  /** `path=value` texts, as for training. */
  set?: string[];
}

export interface PhaseTiming {
  model: string;
  phase: Phase;
  /** Of a whole step. */
  medianMs: number;
  minMs: number;
  /** At the median. */
  rowsPerSecond: number;
  /** Matrix products of a step, two operations per multiply-add, at the median. */
  gflops: number;
  /** A large matrix product, beside each step; the median. The machine's own speed changes while one measures. */
  peakGflops: number;
  /** A step's GFLOP/s over that of the product beside it: the median over the steps. */
  peakShare: number;
  /** Share of the run's time, as the runtime counts it, that matrix products take; and of each kind of node. */
  productShare: number;
  operators: Record<string, number>;
  /** Highest resident memory of this process, which holds all that is measured side by side. */
  peakMemoryBytes: number;
  /** How long a step takes, as a share of the first phase's in the same round; the median over the rounds. */
  ofFirst: number;
  /** The fastest step over the fastest product. */
  bestPeakShare: number;
  peakProduct: ProductSizes;
  /** Operations of one step. */
  gflop: number;
  /** Median milliseconds of what a step consists of. */
  parts: Record<Part | 'other', number>;
  batchSize: number;
  tableRows: number;
  fields: number;
  tableUpdates: 'lazy' | 'dense';
  steps: number;
  threads: number;
}

/** Sizes of the data that a preset is for. */
const DATA: Record<string, { fields: number; scenarios: number; tasks: number }> = {
  'ml-1m': { fields: 8, scenarios: 3, tasks: 2 },
};

/** Behaviour sequences of each row. */
const SEQUENCES = { types: 3, length: 20 };

/** Batches of different rows: enough that a large table does not fit the caches. */
const BATCHES = 32;
const WARM_UP = 3;

/**
 * Measures the phases on tables of each size. All take their steps in turn, so that whatever else the machine does slows all
 * alike; `onTiming` gets each when all are done.
 *
 * @throws CONFIG_INVALID, MEMORY_TOO_LARGE, MEMORY_UNAVAILABLE
 */
export async function runTrainBench(
  options: TrainBenchOptions,
  onTiming: (timing: PhaseTiming) => void = () => {},
): Promise<PhaseTiming[]> {
  const config = await runConfig(options);
  const runtime = { backend: config.backend, threads: config.threads };
  const candidates: Candidate[] = [];
  for (const vocabulary of options.vocabulary)
    candidates.push(...(await openCandidates(config, options, vocabulary, runtime)));
  const products = candidates.flatMap(({ graph }) => graph.products);
  const peak = await openPeak(largestProduct(products, config.train.batchSize), runtime);
  for (let round = 0; round < WARM_UP + options.steps; round++)
    for (const candidate of candidates) {
      await takeStep(candidate, round >= WARM_UP);
      await peak.measure();
    }
  const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
  const { product: peakProduct, gflops } = peak.faster();
  await peak.close();
  const timings: PhaseTiming[] = [];
  for (const [i, candidate] of candidates.entries()) {
    await candidate.session.release();
    const peaks = gflops.filter((_, j) => j % candidates.length === i).slice(WARM_UP);
    const timing = {
      ...timingOf(candidate, peaks),
      ...(await productShare(candidate, runtime)),
      ofFirst: median(candidate.whole.map((ms, j) => ms / candidates[0].whole[j])),
      peakProduct,
      peakMemoryBytes,
    };
    timings.push(timing);
    onTiming(timing);
  }
  return timings;
}

/** SEQUENCES, where the model reads some. */
function sequencesFor({ model: chosen, train }: RunConfig, sizes: ModelSizes): typeof SEQUENCES | undefined {
  const model = findModel(chosen.key);
  const graph = inferenceGraph({
    model,
    options: model.options.parse(chosen),
    sizes: { ...sizes, sequences: { ...SEQUENCES, itemField: 0 } },
    phase: planPhases(model, train)[0].phase,
    batchSize: 1,
  });
  return readsSequences(graph) ? SEQUENCES : undefined;
}

const runConfig = ({ model, preset, batch, tables, threads, backend, set }: TrainBenchOptions): Promise<RunConfig> =>
  loadRun({
    models,
    preset,
    set,
    flags: {
      model: { key: model },
      train: {
        ...(batch !== undefined && { batchSize: batch }),
        ...(tables !== undefined && { tableUpdates: tables }),
      },
      ...(threads !== undefined && { threads }),
      ...(backend !== undefined && { backend }),
    },
  });

/** A phase on a table of some size, and how long its steps took. */
interface Candidate {
  setup: Setup;
  data: PreparedData;
  plan: PhasePlan;
  graph: TrainingGraph;
  session: Session;
  context: StepContext;
  clock: Clock;
  batches: AsyncGenerator<Batch>;
  scalars: Record<string, number>;
  fillGates: StepInput['fillGates'];
  /** Steps taken. */
  step: number;
  /** Milliseconds of the measured ones, and of their parts. */
  whole: number[];
  parts: Record<Part | 'other', number[]>;
}

/** The phases on one table, whose weights they share. */
async function openCandidates(
  config: RunConfig,
  options: TrainBenchOptions,
  tableRows: number,
  runtime: SessionOptions,
): Promise<Candidate[]> {
  const sizes = DATA[options.preset ?? ''] ?? DATA['ml-1m'];
  const { fields = sizes.fields, scenarios = sizes.scenarios, tasks = sizes.tasks } = options;
  const rows = config.train.batchSize * BATCHES;
  const vocabulary = Math.max(tableRows, 2 * fields);
  const sequences = sequencesFor(config, { fields, scenarios, tasks });
  const data = syntheticData({ fields, scenarios, tasks, rows, vocabulary, sequences });
  const setup = await setUp(config, data);
  initialize(setup.weights, data.manifest.tableRows, setup.options.embeddingDim, config.seed);
  const all = planPhases(setup.model, config.train);
  const plans = all.filter(({ phase }) => options.phase === undefined || phase === options.phase);
  if (plans.length === 0) {
    const message = `the model has no phase "${options.phase}" (phases: ${all.map(({ phase }) => phase).join(', ')})`;
    throw error('CONFIG_INVALID', { source: 'the command', problems: [{ path: '--phase', message }] });
  }
  const candidates: Candidate[] = [];
  for (const plan of plans) candidates.push(await openCandidate(setup, data, plan, runtime));
  return candidates;
}

async function openCandidate(
  setup: Setup,
  data: PreparedData,
  plan: PhasePlan,
  runtime: SessionOptions,
): Promise<Candidate> {
  const { batchSize } = setup.config.train;
  const graph = trainingGraph(setup.graphRequest(plan.phase, batchSize));
  const session = await createSession(graph.bytes, runtime);
  const clock = new Clock();
  const gates = plan.phase === 'retrain' ? await frozenGates(setup, data, runtime) : undefined;
  return {
    setup,
    data,
    plan,
    graph,
    session,
    context: { ...stepContext(setup, plan, graph, clock.session(session)), kernels: clock.kernels(setup.kernels) },
    clock,
    batches: endless(data, batchSize),
    scalars: scalarsAt(setup, plan, { epoch: 0, step: 0, stepsPerEpoch: 1 }),
    fillGates: gates && ((batch, out) => void gates.fill(batch, out)),
    step: 0,
    whole: [],
    parts: { gather: [], run: [], scatter: [], update: [], other: [] },
  };
}

async function takeStep(candidate: Candidate, counts: boolean): Promise<void> {
  const { context, clock, whole, parts } = candidate;
  const input = await nextInput(candidate);
  clock.reset();
  const started = performance.now();
  await trainStep(context, input);
  const milliseconds = performance.now() - started;
  if (!counts) return;
  whole.push(milliseconds);
  for (const part of PARTS) parts[part].push(clock.milliseconds[part]);
  parts.other.push(milliseconds - PARTS.reduce((sum, part) => sum + clock.milliseconds[part], 0));
}

async function nextInput(candidate: Candidate): Promise<StepInput> {
  const { plan, scalars, fillGates } = candidate;
  const { value: batch } = await candidate.batches.next();
  return { batch, step: ++candidate.step, epoch: 0, learningRate: plan.learningRate, scalars, fillGates };
}

/** `peaks`: GFLOP/s of the product beside each step. */
function timingOf({ setup, data, plan, graph, whole, parts }: Candidate, peaks: number[]) {
  const { config, model } = setup;
  const { batchSize, tableUpdates } = config.train;
  const gflop = (2 * graph.products.reduce((sum, product) => sum + multiplyAdds(product, batchSize), 0)) / 1e9;
  const medianMs = median(whole);
  const minMs = Math.min(...whole);
  return {
    model: model.key,
    phase: plan.phase,
    medianMs,
    minMs,
    rowsPerSecond: (batchSize / medianMs) * 1000,
    gflops: (gflop / medianMs) * 1000,
    peakGflops: median(peaks),
    peakShare: median(whole.map((ms, i) => ((gflop / ms) * 1000) / peaks[i])),
    bestPeakShare: ((gflop / minMs) * 1000) / Math.max(...peaks),
    gflop,
    parts: Object.fromEntries(Object.entries(parts).map(([part, ms]) => [part, median(ms)])) as PhaseTiming['parts'],
    batchSize,
    tableRows: data.manifest.tableRows,
    fields: data.manifest.fields.length,
    tableUpdates,
    steps: whole.length,
    threads: config.threads ?? availableParallelism(),
  };
}

/** One more step, profiled. */
async function productShare(candidate: Candidate, runtime: SessionOptions) {
  const { products, operators } = await operatorShares(candidate.graph.bytes, runtime, async (session) =>
    trainStep({ ...candidate.context, session }, await nextInput(candidate)),
  );
  return { productShare: products, operators };
}

/** The gates of all rows, computed once, as retraining has them. */
async function frozenGates(setup: Setup, data: PreparedData, runtime: SessionOptions): Promise<GateSource> {
  const { kernels, weights, layout, gateWidth: width, scoring, sizes } = setup;
  weights.gateTable?.view.set(weights.table.view);
  const session = await createSession(gateGraph(setup.graphRequest('retrain', scoring.capacity)).bytes, runtime);
  const network = liveGates({ kernels, session, weights, layout, buffers: scoring, width });
  const { scenarios, tasks } = sizes;
  const { gates } = await cacheGates(await data.open('train'), network, {
    batchSize: scoring.capacity,
    width,
    scenarios,
    tasks,
  });
  await session.release();
  return gates;
}

/** Full batches, over and over. */
async function* endless(data: PreparedData, batchSize: number): AsyncGenerator<Batch> {
  const reader = await data.open('train');
  for (;;) yield* reader.batches({ batchSize });
}
