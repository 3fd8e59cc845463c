/**
 * Shapley values: what each of n players adds to a game, in the mean over all orders in which they could join (Shapley, "A value for
 * n-person games", 1953). They add up to the value of all players less that of none. Few players are computed exactly; of many, random
 * orders are drawn, each together with its reverse (Mitchell et al., "Sampling permutations for Shapley value estimation", 2022).
 */
import { random } from '../base/random.ts';
import { meanOf } from './significance/index.ts';

export interface Share {
  value: number;
  /** Ends of the 95 % interval over the drawn orders (Student's t over pairs); equal to the value where it is exact. */
  low: number;
  high: number;
}

export interface Coalitions {
  method: 'exact' | 'sampled';
  /** Orders that were drawn; 0 where exact. */
  orders: number;
  /** For each coalition to evaluate: the players that are absent. The first lacks none, the second all. */
  absent: readonly (readonly number[])[];
  /** What each player adds. `values`: of the coalitions, in the order of `absent`. */
  shares(values: ArrayLike<number>): Share[];
}

/** Up to this many players all 2^n coalitions are evaluated. */
const EXACT_PLAYERS = 10;

/** @param options.pairs of orders to draw; intervals need two */
export function coalitionsOf(players: number, { pairs, seed }: { pairs: number; seed: number }): Coalitions {
  return players <= EXACT_PLAYERS ? exact(players) : sampled(players, pairs, seed);
}

function exact(n: number): Coalitions {
  const all = 2 ** n - 1;
  // A coalition is a number with a bit for each player; the full one comes first, so that both ends are where sampled ones have them.
  const masks = [all, 0, ...Array.from({ length: Math.max(0, all - 1) }, (_, i) => i + 1)].slice(0, all + 1);
  const place = new Uint32Array(all + 1);
  masks.forEach((mask, i) => {
    place[mask] = i;
  });
  const weights = weightsOf(n);
  return {
    method: 'exact',
    orders: 0,
    absent: masks.map((mask) => playersOf(n).filter((player) => (mask & (1 << player)) === 0)),
    shares: (values) =>
      playersOf(n).map((player) => {
        let value = 0;
        for (let mask = 0; mask <= all; mask++)
          if ((mask & (1 << player)) === 0)
            value += weights[sizeOf(mask)] * (values[place[mask | (1 << player)]] - values[place[mask]]);
        return { value, low: value, high: value };
      }),
  };
}

const playersOf = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Share of the orders in which a player comes right after a given set of this size: size! (n - size - 1)! / n!. */
function weightsOf(n: number): number[] {
  const weights = [1 / Math.max(1, n)];
  for (let size = 1; size < n; size++) weights.push((weights[size - 1] * size) / (n - size));
  return weights;
}

function sizeOf(mask: number): number {
  let size = 0;
  for (let left = mask; left > 0; left >>>= 1) size += left & 1;
  return size;
}

function sampled(n: number, pairs: number, seed: number): Coalitions {
  const absent: number[][] = [[], playersOf(n)];
  const orders: { players: number[]; places: number[] }[] = [];
  const draw = random('shapley', seed, n);
  const add = (players: number[]): void => {
    // After each player of the order: the coalition of all up to it. The last one lacks none.
    const places = players.map((_, i) => (i === n - 1 ? 0 : absent.push(players.slice(i + 1)) - 1));
    orders.push({ players, places });
  };
  for (let pair = 0; pair < pairs; pair++) {
    const players = playersOf(n);
    for (let i = n - 1; i > 0; i--) {
      const j = draw.below(i + 1);
      [players[i], players[j]] = [players[j], players[i]];
    }
    add(players);
    add(players.toReversed());
  }
  return {
    method: 'sampled',
    orders: orders.length,
    absent,
    shares(values) {
      const ofPairs = playersOf(n).map(() => new Float64Array(pairs));
      orders.forEach(({ players, places }, order) => {
        let before = values[1];
        players.forEach((player, i) => {
          ofPairs[player][order >> 1] += (values[places[i]] - before) / 2;
          before = values[places[i]];
        });
      });
      return ofPairs.map((found) => {
        const { mean: value, low, high } = meanOf([...found]);
        return { value, low: low ?? value, high: high ?? value };
      });
    },
  };
}
