/** Interleaving against A/B on the synthetic world's users: requests that 95 % right decisions need. Printed for docs/statistics.md. */
import { test } from 'vitest';
import { type Random, random } from '../../src/base/random.ts';
import { createWorld } from '../../src/data/synthetic/world.ts';
import { credits, momentsOf, sumsOf, teamDraft } from '../../src/evaluate/experiment/index.ts';
import { expectBetween } from '../evaluate/simulation.ts';

const USERS = 3000;
const REQUESTS = 8;
const CANDIDATES = 20;
const SHOWN = 5;
const world = createWorld({ seed: 11, users: USERS, items: 400 });

/** Both rankers know the true probabilities, with errors: those of the first are larger. */
const NOISE = [0.12, 0.08];

/** Each user asks anew in each run. */
const RUNS = 6;

interface Measured {
  /** By user and run: mean of -1, 0, 1 over drafted requests. */
  preferences: number[];
  /** [arm][user and run]: clicks of a request. */
  clicks: number[][];
  /** By arm: clicks of a request that the world expects. Known without a draw: drawn clicks would need far more users. */
  expected: number[];
}

function measure(): Measured {
  const found: Measured = { preferences: [], clicks: [[], []], expected: [0, 0] };
  for (let run = 0; run < RUNS; run++) for (let user = 0; user < USERS; user++) addUser(found, user, run);
  return found;
}

function addUser({ preferences, clicks, expected }: Measured, user: number, run: number): void {
  const generator = random('interleaving world', run, user);
  let preference = 0;
  const counts = [0, 0];
  for (let n = 0; n < REQUESTS; n++) {
    const scenario = generator.below(world.options.scenarios);
    const lists = rankings(user, scenario, generator);
    const click = (id: string, items: readonly number[]): number[] =>
      world
        .respond({ id: `${run} ${user} ${n} ${id}`, user, scenario, items: [...items], positionBias: 1 })
        .flatMap(({ labels }, k) => (labels[0] === 1 ? [k] : []));
    const draft = teamDraft(lists, SHOWN, generator);
    const [a, b] = credits(draft, lists, click('draft', draft.items));
    preference += Math.sign(b - a) / REQUESTS;
    for (const [arm, list] of lists.entries()) {
      const shown = list.slice(0, SHOWN);
      counts[arm] += click(`arm ${arm}`, shown).length / REQUESTS;
      const chances = shown.map((item, k) => world.probabilities({ user, item, scenario })[0] / (1 + k));
      expected[arm] += chances.reduce((sum, p) => sum + p, 0) / REQUESTS / USERS / RUNS;
    }
  }
  preferences.push(preference);
  for (const [arm, count] of counts.entries()) clicks[arm].push(count);
}

function rankings(user: number, scenario: number, generator: Random): number[][] {
  const items = new Set<number>();
  while (items.size < CANDIDATES) items.add(generator.below(world.options.items));
  return NOISE.map((noise) => {
    const scored = [...items].map((item) => ({
      item,
      score: world.probabilities({ user, item, scenario })[0] + noise * generator.normal(),
    }));
    return scored.sort((x, y) => y.score - x.score).map(({ item }) => item);
  });
}

/** Users for 95 % right decisions: where 1.645 standard errors fit into the mean. */
const usersNeeded = (mean: number, variance: number): number => (1.645 ** 2 * variance) / mean ** 2;

test('requests that decisions need, by A/B and by team draft', () => {
  const { preferences, clicks, expected } = measure();
  const [a, b] = clicks.map((values) => momentsOf(sumsOf(values)));
  const preference = momentsOf(sumsOf(preferences));
  const split = usersNeeded(expected[1] - expected[0], 2 * (a.variance + b.variance));
  // The preference is an estimate, and the factor with it.
  const se = Math.sqrt(preference.variance / preference.n);
  const factor = (mean: number): number => split / usersNeeded(mean, preference.variance);
  console.log(`clicks of a request ${expected.map((x) => x.toFixed(4)).join(' and ')}`);
  expectBetween('requests needed by A/B', REQUESTS * split, 1, 1e9);
  expectBetween('requests needed by team draft', REQUESTS * usersNeeded(preference.mean, preference.variance), 1, 1e9);
  expectBetween('A/B over team draft, lower end', factor(preference.mean - 1.96 * se), 1.5, 10);
  expectBetween('A/B over team draft', factor(preference.mean), 2, 10);
  expectBetween('A/B over team draft, upper end', factor(preference.mean + 1.96 * se), 2, 10);
  // Drawn anew from these users, are decisions right as often as that?
  const drafted = Math.ceil(usersNeeded(preference.mean, preference.variance));
  const generator = random('decisions');
  const mean = (values: readonly number[], n: number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[generator.below(values.length)];
    return sum / n;
  };
  let right = 0;
  const runs = 1000;
  for (let run = 0; run < runs; run++) if (mean(preferences, drafted) > 0) right++;
  expectBetween('right decisions of team draft', right / runs, 0.92, 0.98);
});
