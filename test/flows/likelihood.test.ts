import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { negativeLogLikelihood, patternsOf } from '../../src/flows/likelihood.ts';
import type { Term } from '../../src/flows/terms.ts';
import { determinant, solve } from './dense.ts';

const S = 2;
const T = 3;
const C = S * T;
const J = 3;

/** Terms with any numbers: positive definite errors, informations above 0. */
function anyTerms(seed: number): { terms: Term[]; tau2: Float64Array; W: Float64Array } {
  const draw = random('flows', seed);
  const numbers = (n: number, scale = 1): Float64Array => Float64Array.from({ length: n }, () => scale * draw.normal());
  const terms = Array.from({ length: J }, (_, j): Term => {
    const rows = 1 + j;
    const K = new Float64Array(rows * C * T);
    for (let m = 0; m < rows * S; m++) {
      const root = numbers(T * T, 0.4);
      for (let a = 0; a < T; a++)
        for (let b = 0; b < T; b++) {
          let sum = a === b ? 0.3 : 0;
          for (let k = 0; k < T; k++) sum += root[a * T + k] * root[b * T + k];
          K[(m * T + a) * T + b] = sum;
        }
    }
    const H = j === 1 ? numbers(rows * C).map((x) => 0.2 + x * x) : undefined;
    const kind = H === undefined ? 'coarse' : 'fine';
    return { name: `f${j}`, kind, rows, y: numbers(rows * C), H, K, meanSquare: 1, nested: false };
  });
  return { terms, tau2: numbers(J * 4).map((x) => x * x), W: numbers(4 * C).map((x) => Math.abs(x)) };
}

describe('the marginal likelihood', () => {
  const patterns = patternsOf(S, T);
  const cells = { scenarios: S, tasks: T };

  test('is that of a normal distribution, worked out by Gaussian elimination', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const { terms, tau2, W } = anyTerms(seed);
        let expected = 0;
        for (const [j, { rows, y, H, K }] of terms.entries())
          for (let m = 0; m < rows; m++) {
            const A = Array.from({ length: C }, (_, a) =>
              Array.from({ length: C }, (_, b) => {
                let sigma = 0;
                for (let k = 0; k < 4; k++)
                  sigma += tau2[j * 4 + k] * W[k * C + a] * W[k * C + b] * patterns[k][a * C + b];
                const error = Math.floor(a / T) === Math.floor(b / T) ? K[(m * C + a) * T + (b % T)] : 0;
                return error + (H?.[m * C + a] ?? 1) * sigma * (H?.[m * C + b] ?? 1);
              }),
            );
            const own = [...y.subarray(m * C, (m + 1) * C)];
            const x = solve(A, own);
            expected += 0.5 * Math.log(determinant(A)) + 0.5 * own.reduce((sum, value, i) => sum + value * x[i], 0);
          }
        expect(negativeLogLikelihood(terms, cells, { tau2, W })).toBeCloseTo(expected, 8);
      }),
      { numRuns: 30 },
    );
  });

  test('has the gradient that finite differences have', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const { terms, tau2, W } = anyTerms(seed);
        const gradient = { tau2: new Float64Array(tau2.length), W: new Float64Array(W.length) };
        negativeLogLikelihood(terms, cells, { tau2, W }, gradient);
        for (const [name, values] of Object.entries({ tau2, W }) as ['tau2' | 'W', Float64Array][])
          for (let i = 0; i < values.length; i++) {
            const at = (shift: number): number => {
              const moved = Float64Array.from(values);
              moved[i] += shift;
              return negativeLogLikelihood(terms, cells, { tau2, W, [name]: moved });
            };
            const step = 1e-5;
            const difference = (at(step) - at(-step)) / (2 * step);
            expect(Math.abs(gradient[name][i] - difference)).toBeLessThan(1e-5 * Math.max(1, Math.abs(difference)));
          }
      }),
      { numRuns: 20 },
    );
  });

  test('knows fewer flows where there is one scenario or one task', () => {
    const used = (s: number, t: number) => patternsOf(s, t).map((pattern) => pattern.some((value) => value !== 0));
    expect(used(3, 2)).toEqual([true, true, true, true]);
    expect(used(1, 2)).toEqual([true, false, true, false]);
    expect(used(3, 1)).toEqual([true, false, false, true]);
    expect(used(1, 1)).toEqual([true, false, false, false]);
  });
});
