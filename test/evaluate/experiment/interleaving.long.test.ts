/** How many requests interleaving saves: measured on a model of readers, printed for docs/statistics.md. */
import { test } from 'vitest';
import { type Random, random } from '../../../src/base/random.ts';
import { credits, type Moments, momentsOf, sumsOf, teamDraft } from '../../../src/evaluate/experiment/index.ts';
import { expectBetween } from '../simulation.ts';

const ITEMS = 20;
const SHOWN = 5;
const USERS = 10_000;
const REQUESTS = 10;

/** Two rankings of the same items, one by noisier scores. */
function rankings(appeal: readonly number[], generator: Random): number[][] {
  const ranking = (noise: number): number[] => {
    const scores = appeal.map((x) => x + noise * generator.normal());
    return scores.map((_, i) => i).sort((i, j) => scores[j] - scores[i]);
  };
  return [ranking(1.5), ranking(0.7)];
}

/** Users for 95 % right decisions: where 1.645 standard errors fit into the mean. */
const usersNeeded = ({ mean, variance }: Moments): number => (1.645 ** 2 * variance) / mean ** 2;

/**
 * @param spread standard deviation of ln of how keen users are to click
 * @returns requests that A/B by user and team draft need for 95 % right decisions
 */
function needed(spread: number): { split: number; drafted: number } {
  const generator = random('interleaving', spread);
  const preferences: number[] = [];
  const clicks: number[][] = [[], []];
  /** Of a request by arm, known without a draw: the difference of drawn clicks would need far more users. */
  const expected = [0, 0];
  for (let user = 0; user < USERS; user++) {
    const keenness = Math.exp(spread * generator.normal() - spread ** 2 / 2);
    const counts = [0, 0];
    let preference = 0;
    for (let request = 0; request < REQUESTS; request++) {
      const appeal = Array.from({ length: ITEMS }, () => generator.normal());
      // A reader who goes from the top down.
      const chance = (item: number, k: number): number =>
        Math.min(1, (0.2 * keenness) / (1 + Math.exp(-appeal[item])) / (1 + 0.3 * k));
      const click = (items: readonly number[]): number[] =>
        items.flatMap((item, k) => (generator.uniform() < chance(item, k) ? [k] : []));
      const lists = rankings(appeal, generator);
      const draft = teamDraft(lists, SHOWN, generator);
      const [a, b] = credits(draft, lists, click(draft.items));
      preference += Math.sign(b - a) / REQUESTS;
      for (const [arm, list] of lists.entries()) {
        const shown = list.slice(0, SHOWN);
        counts[arm] += click(shown).length / REQUESTS;
        expected[arm] += shown.reduce((sum, item, k) => sum + chance(item, k), 0) / REQUESTS / USERS;
      }
    }
    preferences.push(preference);
    for (const [arm, count] of counts.entries()) clicks[arm].push(count);
  }
  const [a, b] = clicks.map((values) => momentsOf(sumsOf(values)));
  // Half of the users go to each arm: a difference has variance 2 (va + vb) for each of them.
  const split = usersNeeded({ n: USERS, mean: expected[1] - expected[0], variance: 2 * (a.variance + b.variance) });
  return { split: REQUESTS * split, drafted: REQUESTS * usersNeeded(momentsOf(sumsOf(preferences))) };
}

test.each([
  [0, 1, 4],
  [1, 4, 40],
  [1.5, 10, 200],
])('requests that decisions need, users differ by %d', (spread, low, high) => {
  const { split, drafted } = needed(spread);
  expectBetween(`users differ by ${spread}: requests needed by A/B`, split, drafted, 1e6);
  expectBetween(`users differ by ${spread}: requests needed by team draft`, drafted, 10, split);
  expectBetween(`users differ by ${spread}: A/B over team draft`, split / drafted, low, high);
});
