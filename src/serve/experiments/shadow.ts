/**
 * Mode `shadow`: the control answers; afterwards the other arm scores the same items, and nobody sees that. The answer never waits for
 * it: it starts once the answer is on its way, only while less than half of the rows that may wait do so, and only few at once.
 */
import type { Models } from '../models/models.ts';
import type { RankRequest } from '../ranker/contract.ts';
import type { Waiting } from '../ranker/graph-runner.ts';
import type { Ranking } from '../ranker/ranker-contract.ts';
import { type Answered, codeOf, type OnFailure, type Scorings } from './answer.ts';
import type { ExperimentMetrics } from './metrics.ts';
import type { Part } from './plan.ts';

/** In a process at once: each keeps its request in memory. */
const MOST_RUNNING = 64;
/** Items that are compared by their places. */
const FIRST_ITEMS = 10;

export interface Shadows {
  /** Scores the items of an answer, then passes on what a log says of both. Never throws. */
  run(request: RankRequest, part: Part, answered: Answered, log: (ranking: Ranking) => void): void;
  /** Resolves when none is running. */
  settled(): Promise<void>;
}

export interface ShadowOptions {
  models: Models;
  scorings: Scorings;
  waiting: Waiting;
  metrics: ExperimentMetrics;
  onFailure: OnFailure;
}

export function createShadows({ models, scorings, waiting, metrics, onFailure }: ShadowOptions): Shadows {
  const running = new Set<Promise<void>>();

  const scored = async (request: RankRequest, part: Part, { ranking }: Answered): Promise<Ranking> => {
    const { model, score } = part.experiment.arms[1];
    const { ranker, done } = models.use(model ?? request.model);
    try {
      const scoring = score === undefined ? undefined : scorings(ranker, score);
      const shadow =
        ranker.label === ranking.response.model && scoring !== undefined
          ? ranker.rescored(ranking, scoring)
          : await ranker.ranking({ ...request, explain: false }, { scoring });
      return {
        ...ranking,
        shadowScores: shadow.scored.map(({ score }) => score),
        order: { ...ranking.order, policy: { kind: 'shadow', model: ranker.label, score_hash: shadow.scoreHash } },
      };
    } finally {
      done();
    }
  };

  const start = async (
    request: RankRequest,
    part: Part,
    answered: Answered,
    log: (ranking: Ranking) => void,
  ): Promise<void> => {
    const { key, arms } = part.experiment;
    const began = performance.now();
    const seconds = (): number => (performance.now() - began) / 1000;
    if (waiting.rows + request.items.length > waiting.limit / 2) {
      metrics.addShadow(key, 'skipped', seconds());
      log(answered.ranking);
      return;
    }
    try {
      const ranking = await scored(request, part, answered);
      metrics.addShadow(key, 'scored', seconds());
      metrics.addDifference(key, differencesOf(ranking), overlapOf(ranking));
      log(ranking);
    } catch (cause) {
      metrics.addShadow(key, 'failed', seconds());
      onFailure(part, arms[1], arms[1].model ?? answered.ranker.label, cause);
      const [experiment] = answered.ranking.experiments ?? [];
      log({ ...answered.ranking, experiments: [{ ...experiment, failed: codeOf(cause) }] });
    }
  };

  return {
    run(request, part, answered, log) {
      if (running.size >= MOST_RUNNING) {
        metrics.addShadow(part.experiment.key, 'skipped', 0);
        log(answered.ranking);
        return;
      }
      // After the answer has been written to its connection.
      const run = new Promise<void>((done) => {
        setImmediate(() => void start(request, part, answered, log).finally(done));
      });
      running.add(run);
      void run.then(() => running.delete(run));
    },
    async settled() {
      while (running.size > 0) await Promise.all(running);
    },
  };
}

/** Of the items shown. */
function differencesOf({ scored, order, shadowScores = [] }: Ranking): number[] {
  return order.items.slice(0, order.shown).map((index) => Math.abs(scored[index].score - shadowScores[index]));
}

/** Share of the first items that are among the first ones of the shadow: 1 means that a reader of these sees the same ones. */
function overlapOf({ scored, order, shadowScores = [] }: Ranking): number {
  const count = Math.min(FIRST_ITEMS, Math.max(Math.floor(scored.length / 2), 1));
  const byShadow = scored.map((_, i) => i).sort((a, b) => shadowScores[b] - shadowScores[a]);
  const first = new Set(byShadow.slice(0, count));
  return order.items.slice(0, count).filter((index) => first.has(index)).length / count;
}
