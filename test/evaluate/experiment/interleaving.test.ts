/** Interleaving: drafts against enumeration, fairness, and who wins. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import {
  agreedTop,
  credits,
  firstItemChances,
  optimizedInterleaving,
  probabilisticInterleaving,
  signTest,
  teamDraft,
  teamDraftLists,
  userPreference,
  winnerOf,
} from '../../../src/evaluate/experiment/index.ts';
import { minimise } from '../../../src/evaluate/experiment/interleaving/linear-program.ts';
import { teamDrafts } from '../../../src/evaluate/experiment/interleaving/team-draft.ts';

const rankings = fc
  .array(fc.shuffledSubarray([1, 2, 3, 4, 5], { minLength: 1 }), { minLength: 2, maxLength: 3 })
  .map((lists) => lists.map((list) => [...list]));

/** Shares of lists over many draws. */
function shares(draws: number, draw: (i: number) => readonly unknown[]): Map<string, number> {
  const found = new Map<string, number>();
  for (let i = 0; i < draws; i++) {
    const key = draw(i).join(',');
    found.set(key, (found.get(key) ?? 0) + 1 / draws);
  }
  return found;
}

describe('team draft', () => {
  test('probabilities add up to 1; every draw is one of the lists, without an item twice', () => {
    fc.assert(
      fc.property(rankings, fc.integer({ min: 1, max: 5 }), fc.nat(), (lists, length, seed) => {
        const all = teamDraftLists(lists, length);
        expect([...all.values()].reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
        const { items, teams } = teamDraft(lists, length, random('draft', seed));
        expect(all.has(items.join(','))).toBe(true);
        expect(new Set(items).size).toBe(items.length);
        expect(items.length).toBe(Math.min(length, new Set(lists.flat()).size));
        expect(items.every((item, i) => lists[teams[i]].includes(item))).toBe(true);
        const sizes = lists.map((_, team) => teams.filter((t) => t === team).length);
        // Nobody runs ahead while all have items to add.
        if (lists.every((list) => list.length === 5))
          expect(Math.max(...sizes) - Math.min(...sizes)).toBeLessThanOrEqual(1);
      }),
    );
  });

  test('draws come as often as they should', () => {
    const lists = [
      [1, 2, 3, 4],
      [3, 1, 2, 5],
      [4, 3, 6, 1],
    ];
    const expected = teamDraftLists(lists, 4);
    const generator = random('draft shares');
    const found = shares(20_000, () => teamDraft(lists, 4, generator).items);
    for (const [list, p] of expected)
      expect(Math.abs((found.get(list) ?? 0) - p)).toBeLessThan(5 * Math.sqrt(p / 20_000));
  });

  test('a reader who clicks anything prefers nobody', () => {
    const lists = [
      [1, 2, 3, 4, 5],
      [2, 5, 1, 3, 4],
    ];
    const generator = random('blind');
    const wins = { a: 0, b: 0, tie: 0 };
    for (let i = 0; i < 4000; i++) {
      const draft = teamDraft(lists, 5, generator);
      const clicked = [0, 1, 2, 3, 4].filter((position) => generator.uniform() < 1 / (position + 1.5));
      const [a, b] = credits(draft, lists, clicked);
      wins[winnerOf(a, b)]++;
    }
    expect(signTest(wins.a, wins.b, wins.tie).p).toBeGreaterThan(0.001);
  });

  test('a reader of good items finds the ranker that has them on top', () => {
    const lists = [
      [1, 2, 3, 4, 5],
      [5, 4, 3, 2, 1],
    ];
    const generator = random('reader');
    const users = Array.from({ length: 200 }, () => {
      const wins = { a: 0, b: 0, tie: 0 };
      for (let request = 0; request < 3; request++) {
        const draft = teamDraft(lists, 5, generator);
        const clicked = draft.items.flatMap((item, at) =>
          generator.uniform() < item / 10 ** (1 + at / 5) ? [at] : [],
        );
        const [a, b] = credits(draft, lists, clicked);
        wins[winnerOf(a, b)]++;
      }
      return { winsA: wins.a, winsB: wins.b, ties: wins.tie };
    });
    const preference = userPreference(users);
    expect(preference?.low).toBeGreaterThan(0);
    expect(preference?.p).toBeLessThan(0.001);
    expect(userPreference(users.slice(0, 1))).toBeUndefined();
  });

  test('items that all have at the top credit nobody', () => {
    const lists = [
      [7, 1, 2],
      [7, 2, 1],
    ];
    const draft = { items: [7, 2, 1], teams: [0, 1, 0] };
    expect(credits(draft, lists, [0])).toEqual([0, 0]);
    expect(credits(draft, lists, [0, 1])).toEqual([0, 1]);
    expect(credits(draft, lists, [1, 2])).toEqual([1, 1]);
    expect(agreedTop([...lists, [7, 1, 2]])).toBe(1);
    expect(
      agreedTop([
        [7, 1],
        [7, 1, 2],
      ]),
    ).toBe(2);
  });

  test('a reader who clicks anywhere prefers nobody, whatever the lists have in common', () => {
    const permutation = fc.shuffledSubarray([1, 2, 3, 4], { minLength: 4 });
    fc.assert(
      fc.property(
        fc.array(permutation, { minLength: 2, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        fc.nat({ max: 3 }),
        (lists, length, at) => {
          if (at >= length) return;
          const expected = lists.map(() => 0);
          for (const { chance, ...draft } of teamDrafts(lists, length))
            for (const [team, credit] of credits(draft, lists, [at]).entries()) expected[team] += chance * credit;
          for (const credit of expected) expect(credit).toBeCloseTo(expected[0], 12);
        },
      ),
    );
    // Without credit for every item at one rank he would: item 4 is the second ranker's in each draft of these.
    const drafts = teamDrafts(
      [
        [1, 2, 4, 3],
        [3, 1, 4, 2],
      ],
      4,
    );
    expect(drafts.every(({ items, teams }) => teams[items.indexOf(4)] === 1)).toBe(true);
  });
});

describe('the sign test', () => {
  test('is exact, symmetric, and does not see ties', () => {
    expect(signTest(0, 5, 10).p).toBeCloseTo(2 / 32, 12);
    expect(signTest(1, 5, 0).p).toBeCloseTo((2 * 7) / 64, 12);
    expect(signTest(3, 3, 1)).toEqual({ p: 1, delta_AB: 0 });
    expect(signTest(0, 0, 4)).toEqual({ p: 1, delta_AB: 0 });
    fc.assert(
      fc.property(fc.nat(500), fc.nat(500), fc.nat(500), (a, b, ties) => {
        if (a + b + ties === 0) return;
        const [one, other] = [signTest(a, b, ties), signTest(b, a, ties + 7)];
        expect(one.p).toBeCloseTo(other.p, 10);
        expect(Math.sign(one.delta_AB)).toBe(-Math.sign(other.delta_AB) || 0);
      }),
    );
  });
});

describe('probabilistic interleaving', () => {
  test('first items come as often as they should; every list of all items is possible', () => {
    const lists = [
      [0, 1, 2],
      [1, 2, 3],
    ];
    const expected = firstItemChances(lists);
    expect([...expected.values()].reduce((sum, p) => sum + p)).toBeCloseTo(1, 12);
    const generator = random('probabilistic');
    const found = shares(20_000, () => probabilisticInterleaving(lists, 4, generator).items.slice(0, 1));
    for (const [item, p] of expected)
      expect(Math.abs((found.get(String(item)) ?? 0) - p)).toBeLessThan(5 * Math.sqrt(p / 20_000));
    expect(probabilisticInterleaving(lists, 9, generator).items.toSorted()).toEqual([0, 1, 2, 3]);
  });
});

describe('optimized interleaving', () => {
  test('no ranker gains from clicks that do not see relevance, at any depth', () => {
    const lists = [
      [1, 2, 3],
      [2, 3, 1],
    ];
    const all = [
      [1, 2, 3],
      [1, 3, 2],
      [2, 1, 3],
      [2, 3, 1],
      [3, 1, 2],
      [3, 2, 1],
    ].filter(([first]) => first !== 3);
    const chances = optimizedInterleaving(lists, all) as number[];
    expect(chances.reduce((sum, p) => sum + p)).toBeCloseTo(1, 9);
    expect(Math.min(...chances)).toBeGreaterThanOrEqual(0);
    const gain = (item: number) => 1 / (lists[0].indexOf(item) + 1) - 1 / (lists[1].indexOf(item) + 1);
    for (const depth of [1, 2, 3]) {
      const bias = all.reduce(
        (sum, list, i) => sum + chances[i] * list.slice(0, depth).reduce((s, item) => s + gain(item), 0),
        0,
      );
      expect(bias).toBeCloseTo(0, 9);
    }
  });

  test('where every mixture is biased, there is none', () => {
    expect(
      optimizedInterleaving(
        [
          [1, 2],
          [2, 1],
        ],
        [[1, 2]],
      ),
    ).toBeUndefined();
  });
});

test('linear programs: against all vertices', () => {
  const coefficient = fc.integer({ min: -4, max: 4 });
  const row = fc.tuple(coefficient, coefficient, coefficient, coefficient);
  fc.assert(
    fc.property(row, row, (cost, constraint) => {
      // Minimise over probabilities of four with one more equation: a vertex mixes two of them at most.
      const vertices = constraint.flatMap((a, i) =>
        constraint.flatMap((b, j) => {
          if (a === 0) return [cost[i]];
          return a * b < 0 ? [(cost[i] * -b + cost[j] * a) / (a - b)] : [];
        }),
      );
      const found = minimise(cost, [[1, 1, 1, 1], constraint], [1, 0]);
      if (vertices.length === 0) expect(found).toBeUndefined();
      else expect(found?.reduce((sum, x, i) => sum + x * cost[i], 0)).toBeCloseTo(Math.min(...vertices), 8);
    }),
  );
});
