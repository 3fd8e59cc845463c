/** How well the best possible ranker can do: AUC expected under the true probabilities, without drawing labels. */
import type { Encounter, World } from './world.ts';

/**
 * Expected share of pairs (a positive, a negative) that `scores` order rightly, ties half, when row j is positive with
 * probability `probabilities[j]`, independently. With the probabilities themselves as scores it is the Bayes AUC: no
 * scores do better. NaN with fewer than two rows.
 */
export function expectedAuc(probabilities: ArrayLike<number>, scores: ArrayLike<number>): number {
  const order = Array.from(scores, (_, row) => row).sort((a, b) => scores[a] - scores[b]);
  let right = 0;
  let pairs = 0;
  let negativesBelow = 0;
  const negatives = order.reduce((sum, row) => sum + 1 - probabilities[row], 0);
  for (let from = 0; from < order.length; ) {
    let to = from;
    let tied = 0;
    while (to < order.length && scores[order[to]] === scores[order[from]]) tied += 1 - probabilities[order[to++]];
    for (; from < to; from++) {
      const p = probabilities[order[from]];
      // A row is no pair with itself.
      right += p * (negativesBelow + (tied - (1 - p)) / 2);
      pairs += p * (negatives - (1 - p));
    }
    negativesBelow += tied;
  }
  return right / pairs;
}

export interface BayesOptions {
  /** Rows of the world (all scenarios) that the AUC is taken over. Default 30,000. */
  rows?: number;
  /** What ranks. Default: the true probability. */
  score?: (encounter: Encounter, task: number) => number;
}

/** AUC of a score in every cell, [S][T], expected under the truth. */
export function bayesAuc(world: World, { rows = 30_000, score }: BayesOptions = {}): number[][] {
  const { scenarios, tasks } = world.options;
  const met: Encounter[][] = Array.from({ length: scenarios }, () => []);
  for (let index = 0; index < rows; index++) {
    const row = world.row(index);
    met[row.scenario].push(row);
  }
  return met.map((encounters) => {
    const truth = encounters.map((encounter) => world.probabilities(encounter));
    return Array.from({ length: tasks }, (_, t) => {
      const probabilities = truth.map((p) => p[t]);
      return expectedAuc(probabilities, score ? encounters.map((e) => score(e, t)) : probabilities);
    });
  });
}
