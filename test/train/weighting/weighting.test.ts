import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import type { Batch } from '../../../src/data/prepared/prepared.ts';
import { lossScale, weighLabels } from '../../../src/train/step/loss.ts';
import { dwa, dwaWeights } from '../../../src/train/weighting/dwa.ts';
import { learnWeights, startGradNorm, trainingRates, weightsGradient } from '../../../src/train/weighting/gradnorm.ts';
import { withWeightingGroup } from '../../../src/train/weighting/index.ts';
import { projectionShares } from '../../../src/train/weighting/pcgrad.ts';
import { variancesGradient } from '../../../src/train/weighting/uncertainty.ts';
import { type Problem, type StepOptions, stepOn } from '../step/tiny.ts';

const expectNear = (found: ArrayLike<number>, expected: readonly number[], digits = 5): void => {
  expect(found.length).toBe(expected.length);
  expected.forEach((value, i) => {
    expect(found[i], `number ${i} of [${Array.from(found)}] for [${expected}]`).toBeCloseTo(value, digits);
  });
};
const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const dot = (a: readonly number[], b: readonly number[]): number => sum(a.map((x, i) => x * b[i]));

/**
 * One row, one number of embedding x = ln 3, kernel [1, 1], labels 1 and 0. Both logits are ln 3, both probabilities 3/4:
 *   losses      L = [-ln(3/4), -ln(1/4)] = [ln(4/3), ln 4]
 *   d L / d z   [3/4 - 1, 3/4 - 0] = [-1/4, 3/4]
 *   by kernel   g1 = [-x/4, 0], g2 = [0, 3x/4]
 *   by x        -1/4 and 3/4: through the kernel's ones
 */
const x = Math.log(3);
const PROBLEM: Problem = { kernel: [1, 1], table: [x], dimension: 1, ids: [0], labels: [1, 0] };
const LOSSES = [Math.log(4 / 3), Math.log(4)];
/** The step when the tasks' gradients are multiplied by these. */
const stepped = ([a, b]: readonly number[]) => ({
  kernel: [1 + (a * x) / 4, 1 - (b * 3 * x) / 4],
  table: [x + a / 4 - (b * 3) / 4],
});
async function expectStep(request: StepOptions, shares: readonly number[]) {
  const found = await stepOn(PROBLEM, request);
  expectNear(found.losses, LOSSES);
  expectNear(found.kernel, stepped(shares).kernel);
  expectNear(found.table, stepped(shares).table);
  return found;
}

describe('fixed weights', () => {
  test('multiply the losses', async () => {
    const { weights } = await expectStep({ taskWeights: [2, 0.5] }, [2, 0.5]);
    expect(weights).toEqual([2, 0.5]);
  });

  test('are divided by the number of tasks where the reduction is the mean; the losses told are not', async () => {
    await expectStep({ taskWeights: [2, 0.5], reduction: 'mean' }, [1, 0.25]);
  });
});

describe('the reduction of the loss', () => {
  const buffer = (length: number) => ({ byteOffset: 0, view: new Float32Array(length) });
  // Four rows, weights 1, 3, 2, 4, scenarios 0, 0, 2, 2; the second task has labels in the first two rows only.
  const batch = {
    size: 4,
    scenario: Int32Array.of(0, 0, 2, 2),
    weight: Float32Array.of(1, 3, 2, 4),
    labels: Float32Array.of(1, 0, 0, 1, 1, Number.NaN, 0, Number.NaN),
  } as Batch;
  const weighed = (factors: number[], reduction: 'sum' | 'perScenarioMean') => {
    const buffers = { labels: buffer(8), lossWeights: buffer(8), rowWeights: buffer(4) };
    const { labelled } = weighLabels(batch, factors, reduction, buffers);
    return { labelled, ...buffers };
  };

  test('sum: means over all labelled rows', () => {
    const { labelled, lossWeights, labels, rowWeights } = weighed([10, 1], 'sum');
    expect(labelled).toEqual([true, true]);
    expectNear(labels.view, [1, 0, 0, 1, 1, 0, 0, 0]);
    // Weights of labelled rows: 1 + 3 + 2 + 4 = 10 and 1 + 3 = 4.
    expectNear(lossWeights.view, [1, 1 / 4, 3, 3 / 4, 2, 0, 4, 0]);
    expectNear(rowWeights.view, [0.1, 0.3, 0.2, 0.4]);
  });

  test('perScenarioMean: means over the labelled rows of each scenario; one without rows adds nothing', () => {
    const { labelled, lossWeights, rowWeights } = weighed([12, 1], 'perScenarioMean');
    expect(labelled).toEqual([true, true]);
    // First task: 1 + 3 = 4 in scenario 0, 2 + 4 = 6 in scenario 2. Second: 4 in scenario 0.
    expectNear(lossWeights.view, [12 / 4, 1 / 4, 36 / 4, 3 / 4, 24 / 6, 0, 48 / 6, 0]);
    expectNear(rowWeights.view, [0.1, 0.3, 0.2, 0.4]);
  });

  test('mean: the sum over tasks is divided by their number', () => {
    expect([lossScale('sum', 4), lossScale('perScenarioMean', 4), lossScale('mean', 4)]).toEqual([1, 1, 1 / 4]);
  });

  test('a task without labels is told', () => {
    const none = { ...batch, labels: Float32Array.from(batch.labels, (y, i) => (i % 2 ? Number.NaN : y)) };
    const buffers = { labels: buffer(8), lossWeights: buffer(8), rowWeights: buffer(4) };
    expect(weighLabels(none, [1, 1], 'perScenarioMean', buffers).labelled).toEqual([true, false]);
  });

  test('perScenarioMean gives a scenario of one row the weight of one of three', async () => {
    // Embedding 0: all probabilities are 1/2, d L / d z = -1/2 for label 1. Three rows of scenario 0 have the table's row 0,
    // one row of scenario 1 has row 1; kernel 1. Each scenario's mean moves its row by 1/2; the mean over all by 3/8 and 1/8.
    const rows = {
      kernel: [1],
      table: [0, 0],
      dimension: 1,
      ids: [0, 0, 0, 1],
      scenario: [0, 0, 0, 1],
      labels: [1, 1, 1, 1],
    };
    const apart = await stepOn(rows, { reduction: 'perScenarioMean' });
    expectNear(apart.table, [1 / 2, 1 / 2]);
    expectNear(apart.losses, [2 * Math.log(2)]);
    const together = await stepOn(rows);
    expectNear(together.table, [3 / 8, 1 / 8]);
    expectNear(together.losses, [Math.log(2)]);
  });
});

describe('uncertainty weighting', () => {
  test('weighs by exp(-s) and moves s by exp(-s) L - 1/2', async () => {
    // s = [0, 0]: weights 1. d/ds (exp(-s) L + s/2) = 1/2 - L; SGD with rate 1: s = L - 1/2, so the next weights are exp(1/2 - L).
    const { weights, next } = await expectStep({ weighting: { kind: 'uncertainty' } }, [1, 1]);
    expect(weights).toEqual([1, 1]);
    expectNear(next, [1.236541, 0.41218]); // exp(0.5 - 0.287682), exp(0.5 - 1.386294)
  });

  test('its own term is divided by the number of tasks, too, where the reduction is the mean', async () => {
    const { next } = await expectStep({ weighting: { kind: 'uncertainty' }, reduction: 'mean' }, [1 / 2, 1 / 2]);
    expectNear(next, [1.112, 0.642012]); // exp((0.5 - 0.287682) / 2), exp((0.5 - 1.386294) / 2)
  });

  test('gradient: 1/2 - exp(-s) L; 0 without labels', () => {
    // 1/2 - 1 * 0.3; 1/2 - 1/2 * 0.8; nothing.
    expectNear(variancesGradient([0, Math.log(2), 1], [0.3, 0.8, Number.NaN]), [0.2, 0.1, 0]);
  });

  test('is at rest where exp(-s) = 1 / (2 L)', () => {
    expectNear(variancesGradient([Math.log(2 * 0.3), Math.log(2 * 4)], [0.3, 4]), [0, 0], 12);
  });

  test('has no L2 and no weight decay unless the run gives it some', () => {
    expect(withWeightingGroup({ gate: { l2: 0 } })).toEqual({ gate: { l2: 0 }, weighting: { l2: 0, weightDecay: 0 } });
    expect(withWeightingGroup({ weighting: { learningRateScale: 10, l2: 1 } })).toEqual({
      weighting: { learningRateScale: 10, l2: 1, weightDecay: 0 },
    });
  });
});

describe('DWA', () => {
  test('T softmax(r / temperature) of the last two epochs', () => {
    // r = [0.3 / 0.6, 0.4 / 0.4] = [1/2, 1]; temperature 2: exp(1/4) = 1.284025, exp(1/2) = 1.648721, sum 2.932747;
    // twice each over the sum.
    expectNear(
      dwaWeights(
        [
          [0.6, 0.4],
          [0.3, 0.4],
        ],
        2,
        2,
      ),
      [0.875647, 1.124353],
    );
    // Temperature 1: exp(1/2) = 1.648721, exp(1) = 2.718282, sum 4.367003.
    expectNear(
      dwaWeights(
        [
          [0.6, 0.4],
          [0.3, 0.4],
        ],
        2,
        1,
      ),
      [0.755081, 1.244919],
    );
  });

  test('begins with ones, looks back two epochs, takes a task without labels as standing still', () => {
    const state = { losses: [] as (number | null)[][] };
    const weighting = dwa(state, 2, 2);
    for (const losses of [
      [0.9, 0.9],
      [0.6, 0.4],
    ]) {
      expect(weighting.weights()).toEqual([1, 1]);
      weighting.afterEpoch?.(losses);
    }
    weighting.afterEpoch?.([0.3, 0.4]);
    expectNear(weighting.weights() as number[], [0.875647, 1.124353]); // 0.9 plays no part
    weighting.afterEpoch?.([0.15, Number.NaN]);
    expect(state.losses).toEqual([
      [0.3, 0.4],
      [0.15, null],
    ]); // survives JSON
    expectNear(weighting.weights() as number[], [0.875647, 1.124353]); // r = [1/2, 1] again
  });

  test('weights add up to T, and the task that fell less has more', () => {
    const losses = fc.array(fc.double({ min: 1e-3, max: 10, noNaN: true }), { minLength: 3, maxLength: 3 });
    fc.assert(
      fc.property(losses, losses, fc.double({ min: 0.5, max: 50, noNaN: true }), (before, last, temperature) => {
        const weights = dwaWeights([before, last], 3, temperature);
        expect(sum(weights)).toBeCloseTo(3, 9);
        const ratios = last.map((loss, t) => loss / before[t]);
        for (const [i, j] of [
          [0, 1],
          [1, 2],
          [2, 0],
        ])
          expect((weights[i] - weights[j]) * (ratios[i] - ratios[j])).toBeGreaterThanOrEqual(0);
      }),
    );
  });
});

describe('GradNorm', () => {
  test('measures the norms of the weighted losses at the embedding, and moves weights against them', async () => {
    // Norms 1/4 and 3/4, mean 1/2. First step: L = L(0), rates 1, both targets 1/2. Signs -, +: gradients -1/4 / 1 and 3/4 / 1.
    // Adam's first step is the learning rate against the sign: 1.01 and 0.99, whose sum is T already.
    const weighting = { kind: 'gradnorm', alpha: 1.5, learningRate: 0.01 } as const;
    const { weights, next, state } = await expectStep({ weighting }, [1, 1]);
    expect(weights).toEqual([1, 1]);
    expectNear(next, [1.01, 0.99]);
    expectNear(state.gradNorm?.initial ?? [], LOSSES);
    expectNear(state.gradNorm?.first ?? [], [-0.025, 0.075]); // (1 - 0.9) times the gradient
  });

  test('training rates', () => {
    // L / L(0) = [0.4/0.8, 0.4/0.5] = [0.5, 0.8], mean 0.65.
    expectNear(trainingRates([0.4, 0.4], [0.8, 0.5]), [0.5 / 0.65, 0.8 / 0.65]);
  });

  test('gradient of the weights', () => {
    // Mean norm 0.2. alpha 1: targets 0.2 * [0.769231, 1.230769] = [0.153846, 0.246154]: signs +, -; G / w = 0.3 / 2, 0.1 / 0.5.
    expectNear(weightsGradient([2, 0.5], [0.3, 0.1], [0.769231, 1.230769], 1), [0.15, -0.2]);
    // alpha 5: 0.2 * [0.269329, 2.824] = [0.054, 0.565]: as before. alpha -5 would turn the signs; 0 makes both targets 0.2.
    expectNear(weightsGradient([1, 1], [0.21, 0.19], [0.769231, 1.230769], 0), [0.21, -0.19]);
    // A rate of 1.5 lifts the target of the larger norm above it: 0.2 * 1.5^1.5 = 0.367 > 0.3, and 0.2 * 0.5^1.5 = 0.0707 < 0.1.
    expectNear(weightsGradient([1, 1], [0.3, 0.1], [1.5, 0.5], 1.5), [-0.3, 0.1]);
  });

  test('three steps of three tasks, worked out', () => {
    // Norms [0.6, 0.2, 0.1] at weights 1, always proportional to the weights; losses stand still: rates 1, targets the mean.
    const state = startGradNorm(3);
    const options = { alpha: 1.5, learningRate: 0.1 };
    const step = () =>
      learnWeights(
        state,
        [1, 2, 3],
        [0.6, 0.2, 0.1].map((norm, t) => norm * state.weights[t]),
        options,
      );
    // Mean 0.3: signs +, -, -. Adam: [0.9, 1.1, 1.1], sum 3.1; times 3/3.1.
    step();
    expectNear(state.weights, [0.870968, 1.064516, 1.064516]);
    // Norms [0.5226, 0.2129, 0.1065], mean 0.2807: the same signs and the same gradients, so again 0.1 each:
    // [0.770968, 1.164516, 1.164516], sum 3.1; times 3/3.1.
    step();
    expectNear(state.weights, [0.746098, 1.126951, 1.126951]);
    expect(state.steps).toBe(2);
    expectNear(state.first, [0.19 * 0.6, 0.19 * -0.2, 0.19 * -0.1]); // 1 - 0.9^2 = 0.19
    expect(state.initial).toEqual([1, 2, 3]);
  });

  test('comes to equal norms where the tasks learn equally fast', () => {
    const state = startGradNorm(2);
    for (let step = 0; step < 400; step++)
      learnWeights(state, [1, 1], [3 * state.weights[0], state.weights[1]], { alpha: 1.5, learningRate: 0.01 });
    expectNear(state.weights, [0.5, 1.5], 1); // 3 * 0.5 = 1 * 1.5
  });

  test('weights stay above 0 and add up to T', () => {
    const norm = fc.double({ min: 1e-6, max: 10, noNaN: true });
    const steps = fc.array(fc.record({ norms: fc.array(norm, { minLength: 3, maxLength: 3 }) }), { maxLength: 30 });
    fc.assert(
      fc.property(steps, fc.double({ min: 0.001, max: 1, noNaN: true }), (all, learningRate) => {
        const state = startGradNorm(3);
        for (const { norms } of all) {
          learnWeights(state, norms, norms, { alpha: 1.5, learningRate });
          expect(sum(state.weights)).toBeCloseTo(3, 9);
          expect(Math.min(...state.weights)).toBeGreaterThan(0);
        }
      }),
    );
  });

  test('learns nothing from a batch that lacks a task', async () => {
    const weighting = { kind: 'gradnorm', alpha: 1.5, learningRate: 0.01 } as const;
    const { next, state, losses } = await stepOn({ ...PROBLEM, labels: [1, Number.NaN] }, { weighting });
    expect(losses[1]).toBeNaN();
    expect([next, state.gradNorm?.initial]).toEqual([[1, 1], null]);
  });
});

/** Algorithm 1 of the paper on the gradients themselves: [T, N] -> [N]. */
function surgery(gradients: readonly number[][], order: readonly number[][]): number[] {
  const projected = gradients.map((own, task) => {
    let g = own;
    for (const other of order[task]) {
      const normal = gradients[other];
      const along = dot(g, normal);
      if (along < 0) g = g.map((value, i) => value - (along / dot(normal, normal)) * normal[i]);
    }
    return g;
  });
  return projected[0].map((_, i) => sum(projected.map((g) => g[i])));
}

describe('PCGrad', () => {
  const products = (gradients: readonly number[][]) => gradients.map((a) => gradients.map((b) => dot(a, b)));
  const combined = (gradients: readonly number[][], shares: readonly number[]) =>
    gradients[0].map((_, i) => sum(gradients.map((g, t) => shares[t] * g[i])));

  test('two gradients worked out', () => {
    // g1 = (1, 0), g2 = (-1, 1): g1.g2 = -1, |g2|^2 = 2. g1' = g1 + g2/2 = (1/2, 1/2); g2' = g2 + g1 = (0, 1).
    // Their sum (1/2, 3/2) is 2 g1 + 3/2 g2.
    const gradients = [
      [1, 0],
      [-1, 1],
    ];
    const shares = projectionShares(products(gradients), [[1], [0]]);
    expectNear(shares, [2, 1.5]);
    expectNear(combined(gradients, shares), [0.5, 1.5]);
  });

  test('the order counts with three: worked out', () => {
    // g1 = (1, 0), g2 = (-1, 1), g3 = (-1, -2). g2.g3 = 1 - 2 = -1, |g2|^2 = 2, |g3|^2 = 5.
    // Task 1 meets 2, then 3: g1 + g2/2 = (1/2, 1/2), by g3: -1/2 - 1 = -3/2 -> + 3/10 g3: factors (1, 1/2, 3/10).
    //        meets 3, then 2: g1 + g3/5 = (4/5, -2/5), by g2: -4/5 - 2/5 = -6/5 -> + 3/5 g2: factors (1, 3/5, 1/5).
    // Task 2 meets 1, then 3: g2 + g1 = (0, 1), by g3: -2 -> + 2/5 g3: factors (1, 1, 2/5).
    // Task 3 meets 1, then 2: g3 + g1 = (0, -2), by g2: -2 -> + g2: factors (1, 1, 1).
    const gradients = [
      [1, 0],
      [-1, 1],
      [-1, -2],
    ];
    expectNear(
      projectionShares(products(gradients), [
        [1, 2],
        [0, 2],
        [0, 1],
      ]),
      [3, 2.5, 1.7],
    );
    expectNear(
      projectionShares(products(gradients), [
        [2, 1],
        [0, 2],
        [0, 1],
      ]),
      [3, 2.6, 1.6],
    );
  });

  test('a step: dense parameters and the table row count together', async () => {
    // g1.g2 = -1/4 * 3/4 = -3/16, through the table row alone; with q = x^2 + 1: |g1|^2 = q/16, |g2|^2 = 9q/16.
    // g1' = g1 + g2 / (3q), g2' = g2 + 3 g1 / q: shares 1 + 3/q and 1 + 1/(3q).
    const q = x * x + 1;
    const shares = [1 + 3 / q, 1 + 1 / (3 * q)];
    for (const tableUpdates of ['lazy', 'dense'] as const) {
      const { weights } = await expectStep({ weighting: { kind: 'pcgrad' }, tableUpdates }, shares);
      expectNear(weights, shares);
    }
  });

  test('parameters that the step leaves alone play no part', async () => {
    // Of the table row alone g1 = -1/4, g2 = 3/4: opposite directions, and projections leave nothing. Shares 1 + 3 and 1 + 1/3.
    const { kernel, table, weights } = await stepOn(PROBLEM, { weighting: { kind: 'pcgrad' }, apart: 'weight' });
    expect(kernel).toEqual([1, 1]);
    expectNear(table, [x]);
    expectNear(weights, [4, 4 / 3]);
  });

  test('the projected gradient is clipped', async () => {
    const q = x * x + 1;
    const shares = [1 + 3 / q, 1 + 1 / (3 * q)];
    const { kernel, table } = stepped(shares);
    const norm = Math.hypot(...kernel.map((value) => value - 1), table[0] - x);
    await expectStep(
      { weighting: { kind: 'pcgrad' }, clipNorm: norm / 4 },
      shares.map((share) => share / 4),
    );
  });

  test('weighted losses: a task weight of 2 doubles its gradient before the projection', async () => {
    // g2 doubles: g1.g2 = -3/8, |g2|^2 = 36q/16. g1' = g1 + g2 / (6q), g2' = g2 + 6 g1 / q; of the plain gradients:
    // g1 (1 + 6/q) and g2 (2 + 1/(3q)).
    const q = x * x + 1;
    const shares = [1 + 6 / q, 2 + 1 / (3 * q)];
    const { weights } = await expectStep({ weighting: { kind: 'pcgrad' }, taskWeights: [1, 2] }, shares);
    expectNear(weights, shares);
  });

  test('without a conflict the step is that of fixed weights, bit for bit', async () => {
    const agreeing = { ...PROBLEM, labels: [1, 1] };
    const plain = await stepOn(agreeing);
    const { kernel, table, weights } = await stepOn(agreeing, { weighting: { kind: 'pcgrad' } });
    expect({ kernel, table, weights }).toEqual({ kernel: plain.kernel, table: plain.table, weights: [1, 1] });
  });

  const gradients = fc.integer({ min: 2, max: 5 }).chain((tasks) =>
    fc.array(fc.array(fc.integer({ min: -9, max: 9 }), { minLength: 6, maxLength: 6 }), {
      minLength: tasks,
      maxLength: tasks,
    }),
  );
  const anyOrder = (tasks: number): fc.Arbitrary<number[][]> =>
    fc.tuple(
      ...Array.from({ length: tasks }, (_, task) => {
        const others = Array.from({ length: tasks }, (_, t) => t).filter((t) => t !== task);
        return fc.shuffledSubarray(others, { minLength: others.length });
      }),
    );

  test('inner products alone give what the algorithm gives on the gradients', () => {
    fc.assert(
      fc.property(
        gradients.chain((g) => fc.tuple(fc.constant(g), anyOrder(g.length))),
        ([g, order]) => expectNear(combined(g, projectionShares(products(g), order)), surgery(g, order), 6),
      ),
    );
  });

  test('of two tasks none is worked against; without a conflict every share is 1', () => {
    fc.assert(
      fc.property(gradients, (g) => {
        const pair = g.slice(0, 2);
        const result = combined(pair, projectionShares(products(pair), [[1], [0]]));
        for (const own of pair) expect(dot(result, own)).toBeGreaterThan(-1e-9);
        if (dot(pair[0], pair[1]) >= 0) expect(result).toEqual(pair[0].map((value, i) => value + pair[1][i]));
        const agreeing = g.map((one) => one.map(Math.abs));
        const order = g.map((_, t) => g.map((_, i) => i).filter((i) => i !== t));
        expect(projectionShares(products(agreeing), order)).toEqual(g.map(() => 1));
      }),
    );
  });

  test('a step of three tasks on shared rows is the algorithm on all their gradients, in one order or another', async () => {
    const generator = random('pcgrad test', 6);
    const normals = (count: number) => Array.from({ length: count }, () => generator.normal());
    const labels = Array.from({ length: 24 }, () => (generator.uniform() < 0.15 ? Number.NaN : generator.below(2)));
    const problem = { kernel: normals(6), table: normals(6), dimension: 2, ids: [0, 1, 0, 2, 1, 0, 2, 2], labels };
    const before = [...problem.kernel, ...problem.table];
    /** What a step takes away: with learning rate 1 the gradient. */
    const gradient = async (of: Problem, request: StepOptions = {}) => {
      const { kernel, table } = await stepOn(of, request);
      return [...kernel, ...table].map((value, i) => before[i] - value);
    };
    const alone: number[][] = [];
    for (const task of [0, 1, 2])
      alone.push(await gradient({ ...problem, labels: labels.map((y, i) => (i % 3 === task ? y : Number.NaN)) }));
    const pairs = [
      [0, 1],
      [0, 2],
      [1, 2],
    ];
    expect(
      pairs.some(([a, b]) => dot(alone[a], alone[b]) < 0),
      'some conflict',
    ).toBe(true);

    const orders = [0, 1].flatMap((a) => [0, 1].flatMap((b) => [0, 1].map((c) => [a, b, c])));
    const possible = orders.map((turned) =>
      surgery(
        alone,
        turned.map((turn, task) => {
          const others = [0, 1, 2].filter((t) => t !== task);
          return turn ? others.reverse() : others;
        }),
      ),
    );
    const taken = new Set<number>();
    for (let step = 1; step <= 6; step++) {
      const found = await gradient(problem, { weighting: { kind: 'pcgrad' }, step });
      const fits = possible.findIndex((one) => one.every((value, i) => Math.abs(value - found[i]) < 1e-5));
      expect(fits, `step ${step}`).toBeGreaterThanOrEqual(0);
      taken.add(fits);
      expect(await gradient(problem, { weighting: { kind: 'pcgrad' }, step })).toEqual(found);
    }
    expect(taken.size, 'steps meet in different orders').toBeGreaterThan(1);
  });
});
