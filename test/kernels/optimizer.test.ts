/** Steps worked by hand from the papers' formulas, in exact fractions where short; float32 results agree to 1e-7. */
import { describe, expect, test } from 'vitest';
import { floats, named } from './helpers.ts';

describe.each(named)('$name', ({ kernels }) => {
  const vectors = (parameter: number, gradient: number) => {
    const arena = kernels.createArena(1 << 12);
    const [first, second, velocity] = [0, 1, 2].map(() => arena.floats(1));
    return {
      parameter: floats(arena, [parameter]),
      gradient: floats(arena, [gradient]),
      first,
      second,
      velocity,
      from: 0,
      to: 1,
    };
  };
  const near = (region: { view: Float32Array }, expected: number) => expect(region.view[0]).toBeCloseTo(expected, 6);

  test('Adam with coupled L2: the decay enters both moments, epsilon stands outside the root', () => {
    const step = {
      learningRate: 0.1,
      beta1: 0.9,
      beta2: 0.99,
      epsilon: 0.1,
      l2: 0.1,
      weightDecay: 0,
      gradientScale: 1,
    };
    const v = vectors(1, 0.5);
    // g = 0.5 + 0.1 * 1 = 0.6; m = 0.06, m^ = 0.6; v = 0.0036, v^ = 0.36; p = 1 - 0.1 * 0.6 / (0.6 + 0.1) = 32/35
    kernels.adam(v, { ...step, step: 1 });
    near(v.first, 0.06);
    near(v.second, 0.0036);
    near(v.parameter, 32 / 35);
    // g = -0.2 + 3.2/35; m^ = 0.0431428571 / 0.19; v^ = 0.0036818776 / 0.0199; p = 32/35 - 0.1 * m^ / (sqrt(v^) + 0.1)
    v.gradient.view[0] = -0.2;
    kernels.adam(v, { ...step, step: 2 });
    near(v.first, 0.0431428571);
    near(v.second, 0.0036818776);
    near(v.parameter, 0.8714539359);
  });

  test('Adam scales the gradient before the decay is added', () => {
    const v = vectors(1, 5); // g = 0.1 * 5 + 0.1 * 1: as above
    const step = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0.1, l2: 0.1, weightDecay: 0, step: 1 };
    kernels.adam(v, { ...step, gradientScale: 0.1 });
    near(v.parameter, 32 / 35);
  });

  test('AdamW: the decay shrinks the parameter and stays out of the moments', () => {
    const v = vectors(2, 0.4);
    // p = 2 * (1 - 0.1 * 0.5) - 0.1 * 0.4 / (0.4 + 0.1) = 1.9 - 0.08
    const step = { learningRate: 0.1, beta1: 0.9, beta2: 0.99, epsilon: 0.1, l2: 0, weightDecay: 0.5, step: 1 };
    kernels.adam(v, { ...step, gradientScale: 1 });
    near(v.first, 0.04);
    near(v.parameter, 1.82);
  });

  test('SGD with momentum and L2', () => {
    const v = vectors(1, 0.5);
    const step = { learningRate: 0.1, momentum: 0.9, l2: 0.2, gradientScale: 1 };
    kernels.sgd(v, step); // v = 0.5 + 0.2 = 0.7; p = 1 - 0.07
    near(v.parameter, 0.93);
    kernels.sgd(v, step); // v = 0.9 * 0.7 + 0.5 + 0.186 = 1.316; p = 0.93 - 0.1316
    near(v.velocity, 1.316);
    near(v.parameter, 0.7984);
  });

  test('SGD without momentum takes no velocity', () => {
    const v = { ...vectors(1, 0.5), velocity: undefined };
    kernels.sgd(v, { learningRate: 0.1, momentum: 0, l2: 0.2, gradientScale: 2 }); // p = 1 - 0.1 * (1 + 0.2)
    near(v.parameter, 0.88);
  });

  test('sumOfSquares is the float64 sum; largest is the largest magnitude, and NaN if one is NaN', () => {
    const arena = kernels.createArena(1 << 12);
    const vector = floats(arena, [9, 1e-4, -3, 2, 1e4, -2e4, 5, 9]);
    // 1e8 + 4e8 would swallow 1e-8 in float32
    expect(kernels.sumOfSquares(vector, 1, 7)).toBeCloseTo(5e8 + 9 + 4 + 25 + Math.fround(1e-4) ** 2, 7);
    expect(kernels.largest(vector, 1, 7)).toBe(2e4);
    expect(kernels.largest(vector, 1, 4)).toBe(3);
    for (const place of [1, 3, 6]) {
      const held = vector.view[place];
      vector.view[place] = Number.NaN;
      expect(kernels.largest(vector, 1, 7)).toBeNaN();
      vector.view[place] = held;
    }
    expect(kernels.largest(vector, 3, 3)).toBe(0);
  });
});
