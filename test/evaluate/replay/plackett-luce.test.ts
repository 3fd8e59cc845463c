/** Random orders: propensities against enumeration, draws against propensities. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { drawOrder, orderMarginals, orderPropensity } from '../../../src/evaluate/replay/index.ts';
import { orders } from './orders.ts';

/** The definition: products of exp(s / T) over what is left. */
function bruteForce(scores: readonly number[], order: readonly number[], temperature: number): number {
  const left = new Set(scores.keys());
  return order.reduce((chance, item) => {
    const total = [...left].reduce((sum, i) => sum + Math.exp(scores[i] / temperature), 0);
    left.delete(item);
    return (chance * Math.exp(scores[item] / temperature)) / total;
  }, 1);
}

const lists = fc.array(fc.double({ min: -4, max: 4, noNaN: true }), { minLength: 2, maxLength: 5 });
const temperatures = fc.double({ min: 0.2, max: 5, noNaN: true });

test('propensities are those of the definition, add up to 1 over all orders, and multiply to prefixes', () => {
  fc.assert(
    fc.property(lists, temperatures, fc.nat(5), (scores, temperature, positions) => {
      const k = Math.min(positions + 1, scores.length);
      let total = 0;
      for (const order of orders(scores.length, k)) {
        const { joint, steps, cascade, logJoint } = orderPropensity(scores, order, temperature);
        expect(joint).toBeCloseTo(bruteForce(scores, order, temperature), 12);
        expect(steps.reduce((product, p) => product * p)).toBeCloseTo(joint, 12);
        expect(cascade.at(-1)).toBe(joint);
        expect(Math.exp(logJoint)).toBe(joint);
        total += joint;
      }
      expect(total).toBeCloseTo(1, 10);
    }),
    { numRuns: 40 },
  );
});

test('marginals are sums over orders; positions and items add up', () => {
  fc.assert(
    fc.property(lists, temperatures, (scores, temperature) => {
      const n = scores.length;
      const marginals = orderMarginals(scores, n, temperature);
      for (const k of scores.keys()) expect(marginals.reduce((sum, of) => sum + of[k], 0)).toBeCloseTo(1, 10);
      for (const of of marginals) expect(of.reduce((sum, p) => sum + p)).toBeCloseTo(1, 10);
      const summed = scores.map((_, i) =>
        scores.map((_, k) =>
          orders(n, n)
            .filter((order) => order[k] === i)
            .reduce((sum, order) => sum + bruteForce(scores, order, temperature), 0),
        ),
      );
      for (const [at, p] of summed.flat().entries()) expect(marginals[Math.floor(at / n)][at % n]).toBeCloseTo(p, 10);
    }),
    { numRuns: 20 },
  );
});

test('a constant added to the scores changes nothing; scores times temperature neither; large scores do not overflow', () => {
  fc.assert(
    fc.property(lists, temperatures, (scores, temperature) => {
      const order = [...scores.keys()];
      const { logJoint } = orderPropensity(scores, order, temperature);
      expect(
        orderPropensity(
          scores.map((s) => s + 800),
          order,
          temperature,
        ).logJoint,
      ).toBeCloseTo(logJoint, 6);
      expect(
        orderPropensity(
          scores.map((s) => s / temperature),
          order,
        ).logJoint,
      ).toBeCloseTo(logJoint, 8);
    }),
  );
});

test('seeds draw orders as often as their propensities say, and repeat them', () => {
  const scores = [0.7, -0.2, 0.1];
  const draws = 6000;
  const counts = new Map<string, number>();
  for (let seed = 0; seed < draws; seed++) {
    const order = drawOrder(scores, 2, { temperature: 0.8, seed }).join();
    counts.set(order, (counts.get(order) ?? 0) + 1);
  }
  for (const order of orders(3, 2)) {
    const p = orderPropensity(scores, order, 0.8).joint;
    expect(Math.abs((counts.get(order.join()) ?? 0) / draws - p)).toBeLessThan(4 * Math.sqrt((p * (1 - p)) / draws));
  }
  const again = { temperature: 2, seed: 'request-17' };
  expect(drawOrder(scores, 3, again)).toEqual(drawOrder(scores, 3, again));
});

test('what cannot be is refused', () => {
  expect(() => orderPropensity([1, 2], [0, 0])).toThrow('item 0 is not among 2 items or was shown before');
  expect(() => orderMarginals(new Array<number>(17).fill(0))).toThrow(
    'exact marginals are for up to 16 items, found 17',
  );
});
