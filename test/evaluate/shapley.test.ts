import fc from 'fast-check';
import { expect, test } from 'vitest';
import { coalitionsOf } from '../../src/evaluate/shapley.ts';

/** Values of all coalitions of a game over the players that are there. */
const valuesOf = (absent: readonly (readonly number[])[], n: number, game: (there: Set<number>) => number): number[] =>
  absent.map((gone) => game(new Set(Array.from({ length: n }, (_, i) => i).filter((i) => !gone.includes(i)))));

/** The definition: the mean over all orders of what a player adds to those before it. */
function byOrders(n: number, game: (there: Set<number>) => number): number[] {
  const sums = new Array<number>(n).fill(0);
  let orders = 0;
  const visit = (before: number[], left: number[]): void => {
    if (left.length > 0)
      for (const player of left)
        visit(
          [...before, player],
          left.filter((one) => one !== player),
        );
    else {
      orders++;
      before.forEach((player, i) => {
        sums[player] += game(new Set(before.slice(0, i + 1))) - game(new Set(before.slice(0, i)));
      });
    }
  };
  visit(
    [],
    sums.map((_, i) => i),
  );
  return sums.map((sum) => sum / orders);
}

test('few players: the mean over all orders, of any game', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 5 }),
      fc.array(fc.double({ min: -5, max: 5, noNaN: true }), { minLength: 32, maxLength: 32 }),
      (n, table) => {
        const game = (there: Set<number>): number =>
          table[[...there].reduce((mask, player) => mask | (1 << player), 0)];
        const { absent, method, orders, shares } = coalitionsOf(n, { pairs: 2, seed: 1 });
        expect([method, orders, absent.length]).toEqual(['exact', 0, 2 ** n]);
        expect([absent[0], absent[1].length]).toEqual([[], n]);
        const found = shares(valuesOf(absent, n, game));
        byOrders(n, game).forEach((value, player) => {
          expect(found[player].value).toBeCloseTo(value, 10);
          expect(found[player].low).toBe(found[player].high);
        });
      },
    ),
  );
});

/** Two products and a sum: players interact in pairs. */
const mixed =
  (n: number) =>
  (there: Set<number>): number => {
    let value = 0;
    for (const player of there) value += player % 3 === 0 && there.has((player + 1) % n) ? 2 + player : 0.5 * player;
    return value;
  };

test('many players: drawn orders add up, and their intervals hold the true value in about 95 % of the draws', () => {
  const n = 12;
  const game = mixed(n);
  // Exact values of a game of pairs: each pair's interaction is halved.
  const alone = Array.from({ length: n }, (_, player) => game(new Set([player])));
  const truth = [...alone];
  for (let a = 0; a < n; a++)
    for (let b = a + 1; b < n; b++) {
      const both = (game(new Set([a, b])) - alone[a] - alone[b]) / 2;
      truth[a] += both;
      truth[b] += both;
    }
  let inside = 0;
  for (let seed = 0; seed < 100; seed++) {
    const { absent, method, orders, shares } = coalitionsOf(n, { pairs: 8, seed });
    expect([method, orders]).toEqual(['sampled', 16]);
    const values = valuesOf(absent, n, game);
    const found = shares(values);
    expect(found.reduce((sum, { value }) => sum + value, 0)).toBeCloseTo(values[0] - values[1], 9);
    inside += found.filter(
      ({ low, high }, player) => low - 1e-9 <= truth[player] && truth[player] <= high + 1e-9,
    ).length;
  }
  expect(inside / (100 * n)).toBeGreaterThan(0.93);
});

test('a seed repeats its orders', () => {
  const of = (seed: number) => coalitionsOf(15, { pairs: 3, seed }).absent;
  expect(of(4)).toEqual(of(4));
  expect(of(4)).not.toEqual(of(5));
});
