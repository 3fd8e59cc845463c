/** How fast a model trains: whole steps, as training makes them, on synthetic rows, beside the machine's own peak. */
import { error } from '../../base/errors/index.ts';
import { loadRunConfig } from '../../config/load.ts';
import type { RunConfig } from '../../config/run.ts';
import { inferenceGraph, readsSequences } from '../../inference/graphs/forward.ts';
import { sessionOf } from '../../inference/session-of.ts';
import type { ModelSizes } from '../../model/contract.ts';
import { findModel, models } from '../../model/registry.ts';
import type { Device } from '../../runtime/devices.ts';
import { type PhasePlan, planPhases } from '../../train/phases/phases.ts';
import { type Setup, setUp } from '../../train/run/setup.ts';
import { initialize } from '../../train/step/initialize.ts';
import { median } from '../clock.ts';
import { largestProduct, openPeak, type ProductSizes } from './peak.ts';
import type { OperatorShares } from './profile.ts';
import { syntheticData } from './synthetic-data.ts';
import { type PlainTimes, type StepTimes, TimedPhase } from './timed-phase.ts';

export interface TrainBenchOptions {
  model: string;
  /** Decides the model's sizes, the batch, the optimiser and the table updates. */
  preset?: string;
  /** Rows of the embedding table; several sizes are timed in turn. */
  vocabulary: number[];
  /** Default: all phases of the model. */
  phase?: string;
  /** Measured steps of each phase on each table. */
  steps: number;
  /** Instead of the preset's. */
  tables?: 'lazy' | 'dense';
  batch?: number;
  fields?: number;
  scenarios?: number;
  tasks?: number;
  /** Default: all cores. */
  threads?: number;
  backend?: RunConfig['backend'];
  /** Where graphs are computed. Default: the CPU. */
  device?: Device;
  /** `path=value` texts, as for training. */
  set?: string[];
}

export interface PhaseTiming extends StepTimes, OperatorShares {
  /** How long a step takes, as a share of one of the first timing's in the same round: the median over the rounds. */
  ofFirst: number;
  peakProduct: ProductSizes;
  /** Highest resident memory of this process so far: it holds all that is timed in turn. */
  peakMemoryBytes: number;
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
 * Measures the phases on tables of each size, the first table's first. All take their steps in turn, so that whatever else the
 * machine does slows all alike.
 *
 * @throws CONFIG_INVALID, MEMORY_TOO_LARGE, MEMORY_UNAVAILABLE
 */
export async function runTrainBench(options: TrainBenchOptions): Promise<PhaseTiming[]> {
  const config = await runConfig(options);
  const phases = await openPhases(config, options);
  try {
    const peak = await takeTurns(phases, config, options.steps);
    const peakMemoryBytes = process.resourceUsage().maxRSS * 1024;
    const timings: PhaseTiming[] = [];
    for (const [i, phase] of phases.entries()) {
      const peaks = peak.gflops.filter((_, j) => j % phases.length === i);
      timings.push({
        ...phase.times(peaks),
        ...(await phase.profile()),
        ofFirst: median(phase.milliseconds.map((ms, j) => ms / phases[0].milliseconds[j])),
        peakProduct: peak.product,
        peakMemoryBytes,
      });
    }
    return timings;
  } finally {
    for (const phase of phases) await phase.release();
  }
}

/**
 * Times the steps of one phase on one table, and nothing else: a product as large as those of `runTrainBench` takes minutes on a slow device.
 *
 * @throws errors of runTrainBench
 */
export async function timeSteps(options: TrainBenchOptions): Promise<PlainTimes> {
  const phases = await openPhases(await runConfig(options), options);
  try {
    const [phase] = phases;
    for (let round = 0; round < WARM_UP + options.steps; round++) await phase.step(round >= WARM_UP);
    return phase.plainTimes();
  } finally {
    for (const phase of phases) await phase.release();
  }
}

/** The phases on tables of each size. */
async function openPhases(config: RunConfig, options: TrainBenchOptions): Promise<TimedPhase[]> {
  const plans = chosenPhases(config, options.phase);
  const phases: TimedPhase[] = [];
  for (const setup of await setUpTables(config, options))
    for (const plan of plans) phases.push(await TimedPhase.open(setup, plan));
  return phases;
}

function chosenPhases({ model, train }: RunConfig, chosen: string | undefined): PhasePlan[] {
  const all = planPhases(findModel(model.key), train);
  const plans = all.filter(({ phase }) => chosen === undefined || phase === chosen);
  if (plans.length > 0) return plans;
  const message = `the model has no phase "${chosen}" (phases: ${all.map(({ phase }) => phase).join(', ')})`;
  throw error('CONFIG_INVALID', { source: 'the command', problems: [{ path: '--phase', message }] });
}

/** Synthetic rows and a model for each size of the table. */
async function setUpTables(config: RunConfig, options: TrainBenchOptions): Promise<Setup[]> {
  const sizes = DATA[options.preset ?? ''] ?? DATA['ml-1m'];
  const { fields = sizes.fields, scenarios = sizes.scenarios, tasks = sizes.tasks } = options;
  const rows = config.train.batchSize * BATCHES;
  const sequences = sequencesFor(config, { fields, scenarios, tasks });
  const setups: Setup[] = [];
  for (const vocabulary of new Set(options.vocabulary.map((tableRows) => Math.max(tableRows, 2 * fields))))
    setups.push(await setUp(config, syntheticData({ fields, scenarios, tasks, rows, vocabulary, sequences })));
  for (const { weights, data, options: model } of setups)
    initialize(weights, data.manifest.tableRows, model.embeddingDim, config.seed);
  return setups;
}

/** Rounds of one step of each phase, and a large product beside each. Returns its GFLOP/s in all rounds that count. */
async function takeTurns(
  phases: readonly TimedPhase[],
  config: RunConfig,
  steps: number,
): Promise<{ product: ProductSizes; gflops: number[] }> {
  const products = phases.flatMap((phase) => phase.products);
  const peak = await openPeak(largestProduct(products, config.train.batchSize), sessionOf(config));
  try {
    for (let round = 0; round < WARM_UP + steps; round++)
      for (const phase of phases) {
        await phase.step(round >= WARM_UP);
        await peak.measure();
      }
    const { product, gflops } = peak.faster();
    return { product, gflops: gflops.slice(WARM_UP * phases.length) };
  } finally {
    await peak.close();
  }
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

const runConfig = ({
  model,
  preset,
  batch,
  tables,
  threads,
  backend,
  device,
  set,
}: TrainBenchOptions): Promise<RunConfig> =>
  loadRunConfig({
    models,
    preset,
    set,
    flags: {
      model: { key: model },
      train: {
        ...(batch !== undefined && { batchSize: batch }),
        ...(tables !== undefined && { tableUpdates: tables }),
        ...(device !== undefined && { device }),
      },
      ...(threads !== undefined && { threads }),
      ...(backend !== undefined && { backend }),
    },
  });
