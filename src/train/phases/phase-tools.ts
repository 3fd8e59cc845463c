/** What a phase works with: its graphs in sessions and, where flow gates are frozen, the gates of every row. */
import type { SplitReader } from '../../data/prepared/prepared.ts';
import { type GateSource, liveGates } from '../../inference/arena/gates.ts';
import type { ScorerContext } from '../../inference/arena/scorer.ts';
import { gateGraph, inferenceGraph } from '../../inference/graphs/forward.ts';
import type { Session } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { type Setup, stepContext } from '../run/setup.ts';
import type { LoopState } from '../run/state.ts';
import { trainingGraph } from '../step/graph.ts';
import type { StepContext } from '../step/step.ts';
import type { WeightingState } from '../weighting/index.ts';
import { type CachedGates, cacheGates, keepRates } from './gates.ts';
import type { PhasePlan } from './phases.ts';

export interface PhaseTools {
  plan: PhasePlan;
  step: StepContext;
  scorer: ScorerContext;
  /** Hard gates of the training rows, where they are fed. */
  gates: GateSource | undefined;
  /** How often each flow is kept, where gates are hard. */
  keep: NonNullable<LoopState['keep']> | undefined;
  /** Steps of an epoch. */
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
  const runtime = { backend: config.backend, threads: config.threads };
  const graph = trainingGraph(graphRequest(plan.phase, config.train.batchSize));
  const training = await createSession(graph.bytes, runtime);
  const inference = await createSession(inferenceGraph(graphRequest(plan.phase, scoring.capacity)).bytes, runtime);
  const sessions: Session[] = [training, inference];
  const frozen = plan.phase === 'retrain' ? await freezeGates(setup, train, validation) : undefined;
  return {
    plan,
    step: stepContext(setup, plan, graph, training, weighting),
    scorer: {
      kernels: setup.kernels,
      session: inference,
      weights: setup.weights,
      layout: setup.layout,
      buffers: scoring,
      scalars: {},
      gates: frozen && { source: frozen.validation, region: scoring.gates, width: setup.gateWidth },
    },
    gates: frozen?.train,
    keep: frozen?.keep,
    steps: Math.ceil(train.rows / config.train.batchSize),
    async release() {
      for (const session of sessions) await session.release();
    },
  };
}

/** Gates of the training and validation rows, computed once, and the keep-rates over the training rows. */
async function freezeGates(setup: Setup, trainRows: SplitReader, validationRows: SplitReader) {
  const [train, validation] = await gatesOf(setup, trainRows, validationRows);
  const keep = { rates: keepRates(train.counts, setup.sizes.tasks), rows: [...train.counts.rows] };
  return { train: train.gates, validation: validation.gates, keep };
}

/** Gates of all rows of some splits, by the gate network and its table as they are. */
export async function gatesOf(setup: Setup, ...splits: SplitReader[]): Promise<CachedGates[]> {
  const { kernels, weights, layout, scoring, gateWidth: width } = setup;
  const { scenarios, tasks } = setup.sizes;
  const { backend, threads } = setup.config;
  const { bytes } = gateGraph(setup.graphRequest('retrain', scoring.capacity));
  const session = await createSession(bytes, { backend, threads });
  const network = liveGates({ kernels, session, weights, layout, buffers: scoring, width });
  const sizes = { batchSize: scoring.capacity, width, scenarios, tasks };
  const cached: CachedGates[] = [];
  for (const rows of splits) cached.push(await cacheGates(rows, network, sizes));
  await session.release();
  return cached;
}
