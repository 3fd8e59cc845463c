/** What a phase needs: sessions of its graphs and, if flow gates are frozen, the gates of every row. */
import type { SplitReader } from '../../data/prepared/prepared.ts';
import { type ModelExecutor, modelExecutor } from '../../inference/arena/executor.ts';
import { type GateSource, gateExecutor, liveGates } from '../../inference/arena/gates.ts';
import { gateOutputs } from '../../inference/gates.ts';
import { gateGraph, inferenceGraph } from '../../inference/graphs/forward.ts';
import { sessionOf } from '../../inference/session-of.ts';
import type { Session } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { rankedExecutor } from '../ranks/executor.ts';
import { type Setup, stepContext } from '../run/setup.ts';
import type { LoopState } from '../run/state.ts';
import { type StepExecutor, stepExecutor, stepFeeds } from '../step/executor.ts';
import { rankedGraph, type TrainingGraph, trainingGraph } from '../step/graph.ts';
import type { StepContext } from '../step/step.ts';
import type { WeightingState } from '../weighting/index.ts';
import { type CachedGates, cacheGates, keepRates } from './gates.ts';
import type { PhasePlan } from './phases.ts';

export interface PhaseTools {
  plan: PhasePlan;
  step: StepContext;
  /** Scores rows. */
  scorer: ModelExecutor;
  /** Hard gates of the training rows, if the graph takes them as input. */
  gates: GateSource | undefined;
  /** How often each flow is kept, if gates are hard. */
  keep: NonNullable<LoopState['keep']> | undefined;
  /** Steps per epoch. */
  steps: number;
  release(): Promise<void>;
}

export async function preparePhase(
  setup: Setup,
  plan: PhasePlan,
  train: SplitReader,
  validation: SplitReader,
  weighting: WeightingState,
): Promise<PhaseTools> {
  const { config, graphRequest, scoring } = setup;
  const runtime = sessionOf(config);
  const graph = trainingGraph(graphRequest(plan.phase, config.train.batchSize));
  const training = await trainingExecutor(setup, plan, graph);
  const inference = inferenceGraph(graphRequest(plan.phase, scoring.capacity), gateOutputs);
  const session = await createSession(inference.bytes, runtime);
  const frozen = plan.phase === 'retrain' ? await freezeGates(setup, train, validation) : undefined;
  const scorer = modelExecutor(setup, session, inference, frozen?.validation);
  return {
    plan,
    step: stepContext(setup, plan, graph, training, weighting),
    scorer,
    gates: frozen?.train,
    keep: frozen?.keep,
    steps: Math.ceil(train.rows / config.train.batchSize),
    async release() {
      await training.release();
      await scorer.release();
    },
  };
}

/** The training graph of a phase, over all ranks. */
async function trainingExecutor(setup: Setup, { phase }: PhasePlan, graph: TrainingGraph): Promise<StepExecutor> {
  const { config, ranks, weights, step, layout } = setup;
  const runtime = sessionOf(config);
  if (ranks.size === 1) return stepExecutor(await createSession(graph.bytes, runtime), graph, weights, step, layout);
  const ranked = rankedGraph(setup.graphRequest(phase, Math.ceil(config.train.batchSize / ranks.size)));
  const sessions: Session[] = [];
  for (const { bytes } of ranked.stages) sessions.push(await createSession(bytes, runtime));
  return rankedExecutor(sessions, ranked, stepFeeds(graph, weights, step, layout), ranks);
}

/** Gates of the training and validation rows, computed once, and the keep-rates over the training rows. */
async function freezeGates(setup: Setup, trainRows: SplitReader, validationRows: SplitReader) {
  const [train, validation] = await gatesOf(setup, trainRows, validationRows);
  const keep = { rates: keepRates(train.counts, setup.sizes.tasks), rows: [...train.counts.rows] };
  return { train: train.gates, validation: validation.gates, keep };
}

/** Gates of all rows of some splits, by the current gate network and its table. */
export async function gatesOf(setup: Setup, ...splits: SplitReader[]): Promise<CachedGates[]> {
  const { scoring, gateWidth: width } = setup;
  const { scenarios, tasks } = setup.sizes;
  const { bytes } = gateGraph(setup.graphRequest('retrain', scoring.capacity));
  const session = await createSession(bytes, sessionOf(setup.config));
  const network = gateExecutor(setup, session);
  const gates = liveGates(network);
  const sizes = { batchSize: scoring.capacity, width, scenarios, tasks };
  const cached: CachedGates[] = [];
  for (const rows of splits) cached.push(await cacheGates(rows, gates, sizes, setup.ranks));
  await network.release();
  return cached;
}
