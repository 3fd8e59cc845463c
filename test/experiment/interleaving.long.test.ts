/** Interleaving against A/B on the synthetic world's users: requests that 95 % right decisions need. Printed for docs/statistics.md. */
import { test } from 'vitest';
import { type Random, random } from '../../src/base/random.ts';
import { createWorld } from '../../src/data/synthetic/world.ts';
import { credits, type Moments, momentsOf, sumsOf, teamDraft } from '../../src/evaluate/experiment/index.ts';
import { expectBetween } from '../evaluate/simulation.ts';

const USERS = 3000;
const REQUESTS = 8;
const CANDIDATES = 20;
const SHOWN = 5;
const world = createWorld({ seed: 11, users: USERS, items: 400 });

/** Both rankers know the true probabilities, with errors: those of the first are larger. */
const NOISE = [0.12, 0.08];

interface Measured {
  /** By user: mean of -1, 0, 1 over drafted requests. */
  preferences: number[];
  /** [arm][user]: clicks of a request. */
  clicks: number[][];
}

function measure(seed: number): Measured {
  const found: Measured = { preferences: [], clicks: [[], []] };
  for (let user = 0; user < USERS; user++) {
    const generator = random('interleaving world', seed, user);
    let preference = 0;
    const counts = [0, 0];
    for (let n = 0; n < REQUESTS; n++) {
      const scenario = generator.below(world.options.scenarios);
      const lists = rankings(user, scenario, generator);
      const click = (id: string, items: readonly number[]): number[] =>
        world
          .respond({ id: `${seed} ${user} ${n} ${id}`, user, scenario, items: [...items], positionBias: 1 })
          .flatMap(({ labels }, k) => (labels[0] === 1 ? [k] : []));
      const draft = teamDraft(lists, SHOWN, generator);
      const [a, b] = credits(draft, lists, click('draft', draft.items));
      preference += Math.sign(b - a) / REQUESTS;
      for (const [arm, list] of lists.entries())
        counts[arm] += click(`arm ${arm}`, list.slice(0, SHOWN)).length / REQUESTS;
    }
    found.preferences.push(preference);
    for (const [arm, count] of counts.entries()) found.clicks[arm].push(count);
  }
  return found;
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
const usersNeeded = ({ mean, variance }: Moments): number => (1.645 ** 2 * variance) / mean ** 2;

test('requests that decisions need, by A/B and by team draft', () => {
  const { preferences, clicks } = measure(1);
  const [a, b] = clicks.map((values) => momentsOf(sumsOf(values)));
  const split = Math.ceil(usersNeeded({ n: USERS, mean: b.mean - a.mean, variance: 2 * (a.variance + b.variance) }));
  const drafted = Math.ceil(usersNeeded(momentsOf(sumsOf(preferences))));
  console.log(`clicks of a request ${a.mean.toFixed(4)} and ${b.mean.toFixed(4)}`);
  expectBetween('requests needed by A/B', REQUESTS * split, 1, 1e9);
  expectBetween('requests needed by team draft', REQUESTS * drafted, 1, 1e9);
  expectBetween('A/B over team draft', split / drafted, 1, 1e4);
  // Drawn anew from these users, are decisions right as often as that?
  const generator = random('decisions');
  const mean = (values: readonly number[], n: number): number => {
    let sum = 0;
    for (let i = 0; i < n; i++) sum += values[generator.below(values.length)];
    return sum / n;
  };
  let [byDraft, bySplit] = [0, 0];
  const runs = 1000;
  for (let run = 0; run < runs; run++) {
    if (mean(preferences, drafted) > 0) byDraft++;
    if (mean(clicks[1], Math.ceil(split / 2)) > mean(clicks[0], Math.ceil(split / 2))) bySplit++;
  }
  expectBetween('right decisions of team draft', byDraft / runs, 0.92, 0.98);
  expectBetween('right decisions of A/B', bySplit / runs, 0.92, 0.98);
});
