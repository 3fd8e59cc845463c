import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { addInformation } from '../../src/flows/covariance/information.ts';
import { negativeLogLikelihood } from '../../src/flows/covariance/likelihood.ts';
import { type Cells, patternsOf } from '../../src/flows/covariance/structure.ts';
import type { Term } from '../../src/flows/terms.ts';
import { determinant, inverse, solve } from './dense.ts';

const J = 3;

/** Terms with any numbers: positive definite errors, informations above 0. */
function anyTerms(
  seed: number,
  { scenarios: S, tasks: T }: Cells,
): { terms: Term[]; tau2: Float64Array; W: Float64Array } {
  const C = S * T;
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

/** Sigma [C, C] of a field's variances. */
function sigmaOf({ scenarios: S, tasks: T }: Cells, own: ArrayLike<number>, W: Float64Array): number[][] {
  const C = S * T;
  const patterns = patternsOf(S, T);
  return Array.from({ length: C }, (_, a) =>
    Array.from({ length: C }, (_, b) =>
      patterns.reduce((sum, pattern, k) => sum + own[k] * W[k * C + a] * W[k * C + b] * pattern[a * C + b], 0),
    ),
  );
}

/** K + H Sigma H [C, C] of a row. */
const matrixOf = ({ H, K }: Term, m: number, T: number, sigma: readonly (readonly number[])[]): number[][] =>
  sigma.map((row, a) =>
    row.map((value, b) => {
      const C = sigma.length;
      const error = Math.floor(a / T) === Math.floor(b / T) ? K[(m * C + a) * T + (b % T)] : 0;
      return error + (H?.[m * C + a] ?? 1) * value * (H?.[m * C + b] ?? 1);
    }),
  );

// Few cells, whose matrices are factored as they are, and many, which are solved by blocks.
describe.each([
  { scenarios: 2, tasks: 3 },
  { scenarios: 9, tasks: 2 },
])('the marginal likelihood of $scenarios x $tasks cells', (cells) => {
  const T = cells.tasks;
  const C = cells.scenarios * T;

  test('is that of a normal distribution, worked out by Gaussian elimination', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const { terms, tau2, W } = anyTerms(seed, cells);
        let expected = 0;
        for (const [j, term] of terms.entries()) {
          const sigma = sigmaOf(cells, tau2.subarray(j * 4, (j + 1) * 4), W);
          for (let m = 0; m < term.rows; m++) {
            const A = matrixOf(term, m, T, sigma);
            const own = [...term.y.subarray(m * C, (m + 1) * C)];
            const x = solve(A, own);
            expected += 0.5 * Math.log(determinant(A)) + 0.5 * own.reduce((sum, value, i) => sum + value * x[i], 0);
          }
        }
        expect(negativeLogLikelihood(terms, cells, { tau2, W })).toBeCloseTo(expected, 8);
      }),
      { numRuns: 30 },
    );
  });

  test('has the gradient that finite differences have', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e6 }), (seed) => {
        const { terms, tau2, W } = anyTerms(seed, cells);
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
});

describe('the information', () => {
  test("is that of its definition, with Sigma's derivatives from differences", () => {
    const cells = { scenarios: 2, tasks: 2 };
    const C = 4;
    const { terms, tau2, W } = anyTerms(1, cells);
    const parameters = 4 + 4 * C;
    for (const [j, term] of terms.entries()) {
      const own = tau2.slice(j * 4, (j + 1) * 4);
      const at = (i: number, shift: number): number[][] => {
        const [variances, strengths] = [Float64Array.from(own), Float64Array.from(W)];
        if (i < 4) variances[i] += shift;
        else strengths[i - 4] += shift;
        return sigmaOf(cells, variances, strengths);
      };
      const slopes = Array.from({ length: parameters }, (_, i) => {
        const [more, less] = [at(i, 1e-4), at(i, -1e-4)];
        return more.map((row, a) => row.map((value, b) => (value - less[a][b]) / 2e-4));
      });
      const expected = new Float64Array(parameters ** 2);
      for (let m = 0; m < term.rows; m++) {
        const A = inverse(matrixOf(term, m, cells.tasks, sigmaOf(cells, own, W)));
        const P = A.map((row, a) =>
          row.map((value, b) => (term.H?.[m * C + a] ?? 1) * value * (term.H?.[m * C + b] ?? 1)),
        );
        const weighted = slopes.map((slope) => product(P, slope));
        for (let a = 0; a < parameters; a++)
          for (let b = 0; b < parameters; b++)
            expected[a * parameters + b] += 0.5 * trace(product(weighted[a], weighted[b]));
      }
      const found = new Float64Array(parameters ** 2);
      const into = { out: found, n: parameters, variances: [0, 1, 2, 3], strengths: 4 };
      addInformation(term, cells, own, W, into);
      for (let a = 0; a < parameters; a++)
        for (let b = 0; b <= a; b++) {
          const value = expected[a * parameters + b];
          expect(Math.abs(found[a * parameters + b] - value)).toBeLessThan(1e-6 * Math.max(1, Math.abs(value)));
        }
    }
  });
});

const product = (a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[][] =>
  a.map((row) => b[0].map((_, j) => row.reduce((sum, value, k) => sum + value * b[k][j], 0)));

const trace = (a: readonly (readonly number[])[]): number => a.reduce((sum, row, i) => sum + row[i], 0);

describe('the patterns', () => {
  test('know fewer flows where there is one scenario or one task', () => {
    const used = (s: number, t: number) => patternsOf(s, t).map((pattern) => pattern.some((value) => value !== 0));
    expect(used(3, 2)).toEqual([true, true, true, true]);
    expect(used(1, 2)).toEqual([true, false, true, false]);
    expect(used(3, 1)).toEqual([true, false, false, true]);
    expect(used(1, 1)).toEqual([true, false, false, false]);
  });
});
