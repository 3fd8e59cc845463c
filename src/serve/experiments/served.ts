/** The experiments of a process. Changes have two steps, as those of models: all processes change or none does. */
import { within } from '../../base/disposal.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import type { ServingConfig } from '../../config/serving.ts';
import { reportTo } from '../http/log.ts';
import { createRefusalLog } from '../http/refusal-log.ts';
import { type Family, family } from '../metrics/metrics.ts';
import type { Models, Pending } from '../models/models.ts';
import type { RankRequest } from '../ranker/contract.ts';
import type { Waiting } from '../ranker/graph-runner.ts';
import type { Exploration } from '../ranker/order.ts';
import type { Ranking, ServedRanker } from '../ranker/ranker-contract.ts';
import {
  type Answered,
  type ArmsContext,
  answerInterleaved,
  answerSplit,
  codeOf,
  createScorings,
  type OnFailure,
} from './answer.ts';
import { checkExperiments, checkReplacement, warningsOf } from './check.ts';
import { createExperimentMetrics } from './metrics.ts';
import { compilePlan, type Part, type Plan } from './plan.ts';
import { createShadows } from './shadow.ts';
import type { ExperimentsState } from './state.ts';

/** What is logged of an answer. `time`: milliseconds since 1970. */
export type LogRanking = (ranking: Ranking, ranker: ServedRanker, time: number) => void;

export interface AnswerOptions {
  exploration?: Exploration;
  /** Absent where the answer is not logged. */
  log?: LogRanking;
  /** Of the answer, milliseconds since 1970. Default: when it is ready. */
  time?: number;
}

/** As the admin routes show them. */
export interface ShownExperiments {
  revision: number;
  experiments: readonly ExperimentConfig[];
  /** What to look at. */
  warnings: string[];
}

export interface Experiments {
  /** What a request takes part in; undefined for nothing. */
  partsOf(request: RankRequest): Part[] | undefined;
  /** Answers such a request, and logs that. Throws what Ranker.rank throws. */
  answer(request: RankRequest, parts: readonly Part[], options: AnswerOptions): Promise<Answered>;
  /** Assignment apart from an answer: nothing is logged or counted. */
  plan(): Plan | undefined;
  shown(): ShownExperiments;
  /** Keys of the experiments of which an artifact is an arm. */
  keysOf(label: string): string[];
  /** Can a ranker become what its name stands for? Throws EXPERIMENT_UNFIT. */
  checkReplacement(ranker: ServedRanker): void;
  /** Checks and compiles; no request sees it yet. Throws what checkExperiments and compilePlan throw. */
  prepare(state: ExperimentsState): Pending;
  families(): Family[];
  /** Waits for shadows, for a while. */
  close(): Promise<void>;
}

export interface ExperimentsOptions {
  config: ServingConfig;
  models: Models;
  waiting: Waiting;
}

/** Lines a second about failures of the same arm and code. */
const FAILURE_LINES = 1;
const CLOSE_MS = 2000;

export function createExperiments({ config, models, waiting }: ExperimentsOptions): Experiments {
  const metrics = createExperimentMetrics();
  const report = reportTo(config);
  const failures = createRefusalLog(FAILURE_LINES, (what, count) => report('warn', `${count} more times: ${what}`));
  const onFailure: OnFailure = ({ experiment: { key, mode } }, { name }, model, cause) => {
    metrics.addFailure(key, name, codeOf(cause));
    const then = mode === 'shadow' ? 'the answer does not need it' : 'the control answers';
    const what = `experiment ${key}, arm ${name}: ${model} fails with ${codeOf(cause)}; ${then}`;
    failures.add(what, () => report('warn', `${what} (${(cause as Error).message.slice(0, 1000)})`));
  };
  const context: ArmsContext = { models, scorings: createScorings(), onFailure };
  const shadows = createShadows({ ...context, waiting, metrics });
  let state: ExperimentsState = { revision: 0, experiments: [], versions: [], artifacts: [] };
  let plan: Plan | undefined;

  const answerOf = (
    request: RankRequest,
    parts: readonly Part[],
    exploration: Exploration | undefined,
  ): Promise<Answered> => {
    const [part] = parts;
    if (part.experiment.mode === 'interleave') return answerInterleaved(context, request, part);
    return answerSplit(context, request, parts, part.experiment.mode === 'shadow' ? undefined : exploration);
  };

  return {
    partsOf: (request) => plan?.partsOf(request),
    async answer(request, parts, { exploration, log, time: given }) {
      const answered = await answerOf(request, parts, exploration);
      const { ranking, ranker } = answered;
      const time = given ?? Date.now();
      for (const { experiment, arm } of parts) metrics.addAnswer(experiment.key, arm, ranking.response.took_ms / 1000);
      const add = (found: Ranking): void => log?.(found, ranker, time);
      const shadow = parts.find(({ experiment }) => experiment.mode === 'shadow');
      if (shadow === undefined) add(ranking);
      else shadows.run(request, shadow, answered, add);
      return answered;
    },
    plan: () => plan,
    shown() {
      const { revision, experiments } = state;
      return { revision, experiments, warnings: warningsOf(experiments, config, models) };
    },
    keysOf: (label) =>
      state.experiments
        .filter(({ arms }) => Object.values(arms).some(({ model }) => model === label))
        .map(({ key }) => key),
    checkReplacement: (ranker) => checkReplacement(state.experiments, models, ranker),
    prepare(next) {
      const { experiments, versions } = next;
      checkExperiments(experiments, models);
      const compiled =
        experiments.length === 0 ? undefined : compilePlan(experiments, versions, models.list()[0]?.name ?? '');
      return {
        report: {},
        commit() {
          state = next;
          plan = compiled;
        },
        abort: async () => {},
      };
    },
    families: () => [...statesOf(state), ...metrics.families()],
    async close() {
      await within(shadows.settled(), CLOSE_MS);
      failures.close();
    },
  };
}

/** Which experiments are in force: equal in all processes. */
function statesOf({ revision, experiments }: ExperimentsState): Family[] {
  if (experiments.length === 0) return [];
  const coverages = experiments.map(({ key, coverage }) => ({ labels: { experiment: key }, values: [coverage] }));
  return [
    {
      ...family('tributary_experiments_revision', 'Revision of the experiments.', 'gauge', [
        { labels: {}, values: [revision] },
      ]),
      over: 'max',
    },
    {
      ...family('tributary_experiment_coverage', 'Share of the units that take part.', 'gauge', coverages),
      over: 'max',
    },
  ];
}
