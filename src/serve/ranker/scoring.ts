/** From what a graph says of a row to its score: calibrated probabilities, and the expression of the scenario. */
import { error } from '../../base/errors/index.ts';
import { sha256 } from '../../base/hash.ts';
import { nearest } from '../../base/nearest.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { Answers } from '../../inference/executor.ts';
import { calibrator } from '../../store/artifact/calibration.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { compileScore } from '../../store/artifact/score.ts';
import type { RankedItem, RankRequest } from './contract.ts';
import { orderOf } from './order.ts';
import type { Ranking, Scoring } from './ranker-contract.ts';

/** By scenario: the artifact's own, or what the configuration has in its place. Throws SCORE_INVALID, SCORE_SCENARIO. */
export function createScoring(
  manifest: ArtifactManifest,
  override: ServingConfig['score'][string] | undefined,
): Scoring[] {
  const { scenarios, tasks } = manifest.data;
  for (const found of Object.keys(override?.scenarios ?? {}))
    if (!scenarios.includes(found))
      throw error('SCORE_SCENARIO', { found, near: nearest(found, scenarios), known: scenarios });
  const ownExpressions = { ...manifest.score.scenarios, ...override?.scenarios };
  const fallback = override?.default ?? manifest.score.default;
  return scenarios.map((name, s) => {
    const expression = Object.hasOwn(ownExpressions, name) ? ownExpressions[name] : fallback;
    return {
      expression,
      hash: sha256(expression).slice(0, 16),
      score: compileScore(expression, tasks),
      calibrate: manifest.calibration[s].map(calibrator),
    };
  });
}

/** The items of a request in the order given, each with its score. Throws SCORE_UNDEFINED. */
export function scoredItems(
  { data: { tasks } }: ArtifactManifest,
  { score, calibrate, expression }: Scoring,
  { items, scenario: name }: RankRequest,
  { logits, probabilities }: Answers,
): RankedItem[] {
  const values = new Array<number>(tasks.length);
  return items.map(({ id }, row) => {
    const named: Record<string, number> = {};
    for (let t = 0; t < tasks.length; t++) {
      values[t] = calibrate[t](logits[row * tasks.length + t], probabilities[t][row]);
      named[tasks[t]] = values[t];
    }
    const found = score(values);
    if (!Number.isFinite(found)) throw error('SCORE_UNDEFINED', { expression, scenario: name });
    return { id, score: found, probabilities: named };
  });
}

/** The items of a ranking by falling score of another expression. Throws SCORE_UNDEFINED. */
export function rescored(ranking: Ranking, scoring: readonly Scoring[], { data }: ArtifactManifest): Ranking {
  const { request, order } = ranking;
  const { score, hash, expression } = scoring[data.scenarios.indexOf(request.scenario)];
  const scored = ranking.scored.map(({ id, probabilities }) => {
    const found = score(data.tasks.map((task) => probabilities[task]));
    if (!Number.isFinite(found)) throw error('SCORE_UNDEFINED', { expression, scenario: request.scenario });
    return { id, score: found, probabilities };
  });
  return { ...ranking, scored, order: orderOf(scored, order.shown, undefined), scoreHash: hash };
}
