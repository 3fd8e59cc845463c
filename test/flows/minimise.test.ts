import fc from 'fast-check';
import { expect, test } from 'vitest';
import { minimise } from '../../src/flows/numeric/minimise.ts';

test('finds the minimum of a convex quadratic within bounds: no free slope is left, bounds hold', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ min: -3, max: 3, noNaN: true }), fc.double({ min: 0.1, max: 5, noNaN: true })), {
        minLength: 1,
        maxLength: 8,
      }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      (terms, coupling) => {
        const n = terms.length;
        // sum of a_i (x_i - c_i)^2 + coupling (sum x)^2, within [-1, 2]
        const objective = (x: Float64Array, gradient: Float64Array): number => {
          const total = x.reduce((a, b) => a + b, 0);
          let value = coupling * total * total;
          for (const [i, [c, a]] of terms.entries()) {
            value += a * (x[i] - c) ** 2;
            gradient[i] = 2 * a * (x[i] - c) + 2 * coupling * total;
          }
          return value;
        };
        const low = new Array(n).fill(-1);
        const high = new Array(n).fill(2);
        const { x } = minimise(objective, new Array(n).fill(0), { low, high, maxIterations: 500, tolerance: 1e-15 });
        const gradient = new Float64Array(n);
        objective(x, gradient);
        for (let i = 0; i < n; i++) {
          expect(x[i]).toBeGreaterThanOrEqual(-1);
          expect(x[i]).toBeLessThanOrEqual(2);
          if (x[i] === -1) expect(gradient[i]).toBeGreaterThan(-1e-5);
          else if (x[i] === 2) expect(gradient[i]).toBeLessThan(1e-5);
          else expect(Math.abs(gradient[i])).toBeLessThan(1e-5);
        }
      },
    ),
    // A step that ends a rounding away from a bound.
    { examples: [[[[-2.2166659574617458, 0.8870580484683224]], 0.9999999999999999]] },
  );
});

test('goes down the bent valley of Rosenbrock, and stops at a bound that cuts it', () => {
  const rosenbrock = (x: Float64Array, gradient: Float64Array): number => {
    const a = 1 - x[0];
    const b = x[1] - x[0] * x[0];
    gradient[0] = -2 * a - 400 * x[0] * b;
    gradient[1] = 200 * b;
    return a * a + 100 * b * b;
  };
  const options = { low: [-2, -2], high: [2, 2], maxIterations: 500, tolerance: 1e-15 };
  const free = minimise(rosenbrock, [-1.2, 1], options);
  expect(free.x[0]).toBeCloseTo(1, 5);
  expect(free.x[1]).toBeCloseTo(1, 5);
  const cut = minimise(rosenbrock, [-1.2, 1], { ...options, high: [0.5, 2] });
  expect(cut.x[0]).toBe(0.5);
  expect(cut.x[1]).toBeCloseTo(0.25, 6);
});

test('stops after the iterations it was given', () => {
  const { iterations } = minimise(
    (x, g) => {
      g[0] = Math.exp(x[0]) - 1;
      return Math.exp(x[0]) - x[0];
    },
    [4],
    { low: [-9], high: [9], maxIterations: 3 },
  );
  expect(iterations).toBe(3);
});

test('steps over a narrow valley at once where the second derivatives are known', () => {
  const scales = [1, 1e3, 1e6];
  const objective = (x: Float64Array, gradient: Float64Array): number => {
    let value = 0;
    for (const [i, scale] of scales.entries()) {
      value += 0.5 * scale * (x[i] - i) ** 2;
      gradient[i] = scale * (x[i] - i);
    }
    return value;
  };
  const options = { low: [-9, -9, -9], high: [9, 9, 1], maxIterations: 100 };
  const curvature = (): Float64Array => Float64Array.from({ length: 9 }, (_, i) => (i % 4 === 0 ? scales[i / 4] : 0));
  const { x, iterations } = minimise(objective, [5, 5, 0.5], { ...options, curvature });
  expect([...x].map((value) => Math.round(value * 1e4) / 1e4)).toEqual([0, 1, 1]);
  expect(iterations).toBeLessThan(6);
});
