import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import type { CoarseEffect } from '../../src/flows/effects/coarse.ts';
import { fieldEffects } from '../../src/flows/effects/effects.ts';
import type { FineEffect } from '../../src/flows/effects/fine.ts';
import { type FlowRows, type FlowSource, inMemory } from '../../src/flows/rows.ts';
import { inverse, solve } from './dense.ts';

const S = 2;
const T = 2;
const N = 600;
const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

/** Two coarse fields, one of them with up to two values a row, an id field that decides the first where asked. */
function anyRows(seed: number, decided: boolean): FlowRows {
  const draw = random('effects', seed);
  const ids = Int32Array.from({ length: N }, () => draw.below(30));
  const first = decided ? ids.map((id) => id % 3) : Int32Array.from({ length: N }, () => draw.below(3));
  const tags = Int32Array.from({ length: 2 * N }, (_, i) => (i % 2 === 0 || draw.uniform() < 0.5 ? draw.below(4) : -1));
  const scenario = Int32Array.from({ length: N }, () => draw.below(S));
  const labels = new Float64Array(N * T);
  for (let row = 0; row < N; row++)
    for (let t = 0; t < T; t++) {
      const logit = 0.5 * (first[row] - 1) + 0.3 * t + 0.02 * ids[row] - 0.4 * scenario[row];
      labels[row * T + t] = draw.uniform() < 0.05 ? Number.NaN : draw.uniform() < sigmoid(logit) ? 1 : 0;
    }
  return {
    scenarios: S,
    tasks: T,
    rows: N,
    scenario,
    labels,
    fields: [
      { name: 'first', levels: 3, slots: 1, ids: first },
      { name: 'tags', levels: 4, slots: 2, ids: tags },
      { name: 'id', levels: 30, slots: 1, ids },
    ],
  };
}

const options = { ridge: 1, orderedTasks: false, minCount: 1, maxLevels: 8, pairs: false };

/** [N, P] design: intercept, first, tags with shared weights. */
function denseDesign({ fields: [first, tags] }: FlowRows): number[][] {
  return Array.from({ length: N }, (_, row) => {
    const x = new Array<number>(8).fill(0);
    x[0] = 1;
    x[1 + first.ids[row]] += 1;
    const own = [tags.ids[2 * row], tags.ids[2 * row + 1]].filter((id) => id >= 0);
    for (const id of own) x[4 + id] += 1 / own.length;
    return x;
  });
}

const dotOf = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

/** Newton's method to its end, with dense matrices. */
function logistic(X: number[][], y: number[]): { b: number[]; covariance: number[][] } {
  const P = X[0].length;
  const penalty = Array.from({ length: P }, (_, i) => (i === 0 ? 1e-6 : 1));
  let b = new Array<number>(P).fill(0);
  const hessian = (): number[][] =>
    Array.from({ length: P }, (_, i) =>
      Array.from({ length: P }, (_, j) =>
        X.reduce(
          (sum, x) => {
            const p = sigmoid(dotOf(x, b));
            return sum + p * (1 - p) * x[i] * x[j];
          },
          i === j ? penalty[i] : 0,
        ),
      ),
    );
  for (let step = 0; step < 25; step++) {
    const gradient = Array.from({ length: P }, (_, i) =>
      X.reduce((sum, x, row) => sum + x[i] * (y[row] - sigmoid(dotOf(x, b))), -penalty[i] * b[i]),
    );
    const move = solve(hessian(), gradient);
    b = b.map((value, i) => value + move[i]);
  }
  return { b, covariance: inverse(hessian()) };
}

/** Coefficients of level effects on the field's contrasts: basis' D (I - 1 w'). */
function coefficients({ block, contrasts: { basis } }: CoarseEffect): number[][] {
  const L = block.levels;
  const totals = Array.from({ length: L }, (_, l) => block.seen[l] + block.seen[L + l]);
  const w = totals.map((total) => total / totals.reduce((a, b) => a + b, 0));
  return Array.from({ length: L - 1 }, (_, m) => {
    const mean = w.reduce((sum, weight, l) => sum + weight * basis[l * (L - 1) + m], 0);
    return w.map((weight, l) => weight * (basis[l * (L - 1) + m] - mean));
  });
}

describe('effects of coarse fields', async () => {
  const rows = anyRows(1, false);
  const X = denseDesign(rows);
  const { fields, correlation } = await fieldEffects(inMemory(rows), options);
  const models = Array.from({ length: S * T }, (_, c) => {
    const own = [...rows.scenario.keys()].filter(
      (row) => rows.scenario[row] === Math.floor(c / T) && !Number.isNaN(rows.labels[row * T + (c % T)]),
    );
    const fitted = logistic(
      own.map((row) => X[row]),
      own.map((row) => rows.labels[row * T + (c % T)]),
    );
    return { ...fitted, own };
  });

  test.each([
    ['first', 0, 1],
    ['tags', 1, 4],
  ])('%s: the contrasts of a ridge regression, and their errors', (_, j, from) => {
    const field = fields[j] as CoarseEffect;
    const L = field.block.levels;
    for (const [m, row] of coefficients(field).entries())
      for (const [c, { b, covariance }] of models.entries()) {
        const levels = Array.from({ length: L }, (_, l) => from + l);
        expect(field.y[m * S * T + c]).toBeCloseTo(
          dotOf(
            row,
            levels.map((l) => b[l]),
          ),
          5,
        );
        const variance = dotOf(
          row,
          levels.map((l) =>
            dotOf(
              row,
              levels.map((k) => covariance[l][k]),
            ),
          ),
        );
        expect(field.error[(m * S * T + c) * T + (c % T)]).toBeCloseTo(variance, 7);
      }
  });

  test('two tasks of a scenario err together, as the products of their residuals say', () => {
    const field = fields[0] as CoarseEffect;
    const eta = (row: number, c: number): number => dotOf(X[row], models[c].b);
    for (let s = 0; s < S; s++) {
      const [a, b] = [s * T, s * T + 1];
      const all = [...rows.scenario.keys()].filter((row) => rows.scenario[row] === s);
      const root = (row: number, c: number): number => Math.sqrt(sigmoid(eta(row, c)) * (1 - sigmoid(eta(row, c))));
      const residual = (row: number, c: number): number => {
        const label = rows.labels[row * T + (c % T)];
        return Number.isNaN(label) ? 0 : label - sigmoid(eta(row, c));
      };
      const rho =
        all.reduce((sum, row) => sum + (residual(row, a) * residual(row, b)) / (root(row, a) * root(row, b)), 0) /
        all.length;
      expect(correlation[(s * T + 0) * T + 1]).toBeCloseTo(rho, 5);
      const P = X[0].length;
      const middle = Array.from({ length: P }, (_, i) =>
        Array.from({ length: P }, (_, j) =>
          all.reduce((sum, row) => sum + rho * root(row, a) * root(row, b) * X[row][i] * X[row][j], 0),
        ),
      );
      for (const [m, row] of coefficients(field).entries()) {
        const source = (c: number): number[] =>
          models[c].covariance.map((line) => dotOf(row, [line[1], line[2], line[3]]));
        const [left, right] = [source(a), source(b)];
        const covariance = dotOf(
          left,
          middle.map((line) => dotOf(line, right)),
        );
        expect(field.error[(m * S * T + a) * T + 1]).toBeCloseTo(covariance, 7);
        expect(field.error[(m * S * T + b) * T]).toBeCloseTo(covariance, 7);
      }
    }
  });

  test('contrasts have mean 0 and variance 1 under the level weights', () => {
    for (const field of fields.slice(0, 2) as CoarseEffect[]) {
      const L = field.block.levels;
      const totals = Array.from({ length: L }, (_, l) => field.block.seen[l] + field.block.seen[L + l]);
      const sum = totals.reduce((a, b) => a + b, 0);
      for (let m = 0; m < L - 1; m++)
        for (let n = 0; n <= m; n++) {
          const product = totals.reduce(
            (all, total, l) =>
              all + (total / sum) * field.contrasts.basis[l * (L - 1) + m] * field.contrasts.basis[l * (L - 1) + n],
            0,
          );
          expect(product).toBeCloseTo(m === n ? 1 : 0, 9);
        }
    }
  });

  test('a single id field: score and information of each level beside the coarse fields', () => {
    const field = fields[2] as FineEffect;
    // Its own shrunken effect is put back, so the sums are those at the logit of the coarse fields.
    for (let c = 0; c < S * T; c++)
      for (let level = 0; level < 30; level++) {
        const own = models[c].own.filter((row) => rows.fields[2].ids[row] === level);
        const at = (row: number): number => sigmoid(dotOf(X[row], models[c].b));
        expect(field.score[c * 30 + level]).toBeCloseTo(
          own.reduce((sum, row) => sum + rows.labels[row * T + (c % T)] - at(row), 0),
          4,
        );
        expect(field.information[c * 30 + level]).toBeCloseTo(
          own.reduce((sum, row) => sum + at(row) * (1 - at(row)), 0),
          4,
        );
      }
  });
});

test('a coarse field that an id decides has the errors of clusters', async () => {
  const rows = anyRows(2, true);
  const X = denseDesign(rows);
  const { fields } = await fieldEffects(inMemory(rows), options);
  const field = fields[0] as CoarseEffect;
  expect(field.decidedBy).toBe('id');
  const own = [...rows.scenario.keys()].filter(
    (row) => rows.scenario[row] === 0 && !Number.isNaN(rows.labels[row * T]),
  );
  const { b, covariance } = logistic(
    own.map((row) => X[row]),
    own.map((row) => rows.labels[row * T]),
  );
  for (const [m, row] of coefficients(field).entries()) {
    const source = covariance.map((line) => dotOf(row, [line[1], line[2], line[3]]));
    const sums = new Map<number, number>();
    for (const r of own) {
      const part = (rows.labels[r * T] - sigmoid(dotOf(X[r], b))) * dotOf(X[r], source);
      sums.set(rows.fields[2].ids[r], (sums.get(rows.fields[2].ids[r]) ?? 0) + part);
    }
    const robust = [...sums.values()].reduce((sum, value) => sum + value * value, 0);
    expect(field.error[m * S * T * T]).toBeCloseTo(robust, 7);
  }
});

test('a cell with too few positives says nothing, and the others go on', async () => {
  const rows = anyRows(3, false);
  for (let row = 0; row < N; row++) if (rows.scenario[row] === 1) rows.labels[row * T + 1] = 0;
  const effects = await fieldEffects(inMemory(rows), { ...options, minCount: 10 });
  expect(effects.known).toEqual([true, true, true, false]);
  const field = effects.fields[0] as CoarseEffect;
  expect(field.y[3]).toBe(0);
  expect(field.error[3 * T + 1]).toBe(1e8);
  expect([...field.y].every(Number.isFinite)).toBe(true);
});

test('ordered tasks are asked of the rows where the task before is 1', async () => {
  const rows = anyRows(4, false);
  const given = { ...rows, labels: rows.labels.slice() };
  for (let row = 0; row < N; row++) if (!(given.labels[row * T] > 0)) given.labels[row * T + 1] = Number.NaN;
  const ordered = await fieldEffects(inMemory(rows), { ...options, orderedTasks: true });
  const masked = await fieldEffects(inMemory(given), options);
  expect(ordered.fields.map((f) => (f.kind === 'coarse' ? [...f.y] : [...f.score]))).toEqual(
    masked.fields.map((f) => (f.kind === 'coarse' ? [...f.y] : [...f.score])),
  );
});

describe('rows that are read again at each pass, scenarios and ids in turns', () => {
  /** The same rows in parts of 97. */
  const inParts = (rows: FlowRows): FlowSource => ({
    ...inMemory(rows),
    *parts() {
      for (let from = 0; from < rows.rows; from += 97) {
        const to = Math.min(from + 97, rows.rows);
        yield {
          ...rows,
          rows: to - from,
          scenario: rows.scenario.slice(from, to),
          labels: rows.labels.slice(from * T, to * T),
          weight: rows.weight?.slice(from, to),
          fields: rows.fields.map((f) => ({ ...f, ids: f.ids.slice(from * f.slots, to * f.slots) })),
        };
      }
    },
  });

  test.each([
    ['an id decides a field', anyRows(5, true), {}],
    ['two ids, pairs and ordered tasks', withSecondId(anyRows(6, false)), { pairs: true, orderedTasks: true }],
    ['weights', { ...anyRows(7, true), weight: Float64Array.from({ length: N }, (_, row) => row % 3) }, {}],
  ])('give the effects of rows in memory: %s', async (_, rows, more) => {
    const held = await fieldEffects(inMemory(rows), { ...options, ...more });
    const passed = await fieldEffects(inParts(rows), { ...options, ...more, heldRows: 0, turnBytes: 1000 });
    expect(passed.known).toEqual(held.known);
    expectClose(passed.correlation, held.correlation);
    expect(passed.fields.map(({ block }) => block.name)).toEqual(held.fields.map(({ block }) => block.name));
    for (const [j, field] of passed.fields.entries()) {
      const other = held.fields[j];
      if (field.kind === 'coarse' && other.kind === 'coarse') {
        expect(field.decidedBy).toBe(other.decidedBy);
        expectClose(field.y, other.y);
        expectClose(field.error, other.error);
      } else if (field.kind === 'fine' && other.kind === 'fine') {
        expectClose(field.score, other.score);
        expectClose(field.information, other.information);
      }
    }
  });
});

function withSecondId(rows: FlowRows): FlowRows {
  const draw = random('second id', 1);
  const ids = Int32Array.from({ length: N }, () => draw.below(20));
  return { ...rows, fields: [...rows.fields, { name: 'second', levels: 20, slots: 1, ids }] };
}

/** Sums of parts differ from those of all rows by rounding alone. */
function expectClose(found: Float64Array, expected: Float64Array): void {
  expect(found.length).toBe(expected.length);
  for (let i = 0; i < found.length; i++)
    expect(Math.abs(found[i] - expected[i])).toBeLessThanOrEqual(1e-9 * (1 + Math.abs(expected[i])));
}
