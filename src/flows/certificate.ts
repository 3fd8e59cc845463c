/**
 * Stage 4: what a verdict is worth on rows that the search never saw. Per cell a logistic regression of the labels on the
 * scores of the flows; then how AUC and log loss change without each flow. Intervals count groups (users), not rows, where
 * there are groups: sandwich covariance for coefficients, the infinitesimal jackknife over placements for AUC
 * (Obuchowski: Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997).
 */
import { sigmoid } from '../evaluate/index.ts';
import { normalCritical, placements } from '../evaluate/significance/index.ts';
import { FLOWS } from './likelihood.ts';
import { cholesky, invertLower } from './numeric/matrix.ts';
import { newton } from './numeric/newton.ts';
import { type FlowRows, isAsked } from './rows.ts';

/** An estimate with its 95 % interval. */
export interface Estimate {
  value: number;
  low: number;
  high: number;
}

/** Of one flow in one cell. */
export interface Certificate {
  /** Weight of the flow's score, given the others: 1 where the flow is worth as much as on the rows of the search, 0 where nothing. */
  coefficient: Estimate;
  /** AUC without the flow minus AUC with it. */
  aucChange: Estimate;
  /** Log loss without the flow minus log loss with it. */
  loglossChange: Estimate;
  rows: number;
  positives: number;
}

/** A flow whose scores hardly differ between rows has no certificate. */
const CONSTANT = 1e-3;

/** [4][C]; undefined where the cell or the flow has nothing to measure. `group` [N]: the number of each row's group; -1: a group of its own. */
export function certify(
  rows: FlowRows,
  scores: Float64Array,
  group: Int32Array | undefined,
  orderedTasks: boolean,
): (Certificate | undefined)[][] {
  const { scenarios: S, tasks: T, rows: n, labels } = rows;
  const out = Array.from({ length: FLOWS }, () => new Array<Certificate | undefined>(S * T).fill(undefined));
  for (let s = 0; s < S; s++)
    for (let t = 0; t < T; t++) {
      const own: number[] = [];
      for (let row = 0; row < n; row++)
        if (rows.scenario[row] === s && isAsked(rows, row * T + t, orderedTasks)) own.push(row);
      const y = Float64Array.from(own, (row) => labels[row * T + t]);
      const columns = Array.from({ length: FLOWS }, (_, k) =>
        Float64Array.from(own, (row) => scores[(k * n + row) * T + t]),
      );
      const clusters = clustersOf(own, group);
      for (const [k, certificate] of cellCertificates(y, columns, clusters).entries()) out[k][s * T + t] = certificate;
    }
  return out;
}

/** Numbers 0 .. G-1 of the rows' groups. */
function clustersOf(own: readonly number[], group: Int32Array | undefined): Int32Array {
  const numbers = new Map<number, number>();
  let next = 0;
  return Int32Array.from(own, (row) => {
    const key = group?.[row] ?? -1;
    if (key < 0) return next++;
    let number = numbers.get(key);
    if (number === undefined) {
      number = next++;
      numbers.set(key, number);
    }
    return number;
  });
}

const clusterCount = (clusters: Int32Array): number =>
  clusters.reduce((most, cluster) => Math.max(most, cluster + 1), 0);

function cellCertificates(
  y: Float64Array,
  columns: readonly Float64Array[],
  clusters: Int32Array,
): (Certificate | undefined)[] {
  const positives = y.reduce((sum, label) => sum + label, 0);
  const varies = columns.map((column) => deviation(column) > CONSTANT);
  const used = [...columns.keys()].filter((k) => varies[k]);
  if (positives < 2 || y.length - positives < 2) return columns.map(() => undefined);
  const full = logistic(
    y,
    used.map((k) => columns[k]),
    clusters,
  );
  if (full === undefined) return columns.map(() => undefined);
  return columns.map((_, k): Certificate | undefined => {
    const at = used.indexOf(k);
    if (at < 0) return undefined;
    const without = logistic(
      y,
      used.filter((other) => other !== k).map((other) => columns[other]),
      clusters,
    );
    if (without === undefined) return undefined;
    return {
      coefficient: interval(full.b[at + 1], full.error[at + 1]),
      aucChange: aucDifference(y, without.logits, full.logits, clusters),
      loglossChange: lossDifference(without.losses, full.losses, clusters),
      rows: y.length,
      positives,
    };
  });
}

const Z = normalCritical(0.05);

const interval = (value: number, error: number): Estimate => ({
  value,
  low: value - Z * error,
  high: value + Z * error,
});

function deviation(column: Float64Array): number {
  const mean = column.reduce((sum, x) => sum + x, 0) / column.length;
  return Math.sqrt(column.reduce((sum, x) => sum + (x - mean) ** 2, 0) / column.length);
}

interface Regression {
  b: Float64Array;
  /** Standard errors over clusters. */
  error: Float64Array;
  logits: Float64Array;
  losses: Float64Array;
}

function logistic(y: Float64Array, columns: readonly Float64Array[], clusters: Int32Array): Regression | undefined {
  const P = columns.length + 1;
  const x = (row: number, i: number): number => (i === 0 ? 1 : columns[i - 1][row]);
  const b = new Float64Array(P);
  const logit = (row: number): number => {
    let sum = 0;
    for (let i = 0; i < P; i++) sum += x(row, i) * b[i];
    return sum;
  };
  const assemble = (gradient: Float64Array, hessian: Float64Array): void => {
    for (let row = 0; row < y.length; row++) {
      const p = sigmoid(logit(row));
      for (let i = 0; i < P; i++) {
        gradient[i] += x(row, i) * (y[row] - p);
        for (let j = 0; j <= i; j++) hessian[i * P + j] += p * (1 - p) * x(row, i) * x(row, j);
      }
    }
    for (let i = 0; i < P; i++) hessian[i * P + i] += 1e-6;
  };
  const hessian = newton(b, assemble, { iterations: 20, tolerance: 1e-10 });
  if (hessian === undefined || !b.every(Number.isFinite) || !cholesky(hessian, P)) return undefined;
  const logits = Float64Array.from(y, (_, row) => logit(row));
  return {
    b,
    error: clusteredErrors(hessian, P, (row, i) => x(row, i) * (y[row] - sigmoid(logits[row])), clusters),
    logits,
    losses: logits.map((l, row) => Math.max(l, 0) + Math.log1p(Math.exp(-Math.abs(l))) - y[row] * l),
  };
}

/** Square roots of the diagonal of H^-1 (sum over clusters of g g') H^-1, given the Cholesky factor of H. */
function clusteredErrors(
  factor: Float64Array,
  P: number,
  score: (row: number, i: number) => number,
  clusters: Int32Array,
): Float64Array {
  const count = clusterCount(clusters);
  const sums = new Float64Array(count * P);
  for (let row = 0; row < clusters.length; row++)
    for (let i = 0; i < P; i++) sums[clusters[row] * P + i] += score(row, i);
  const lower = new Float64Array(P * P);
  invertLower(factor, P, lower);
  const squares = new Float64Array(P);
  const small = count > 1 ? count / (count - 1) : 1;
  for (let c = 0; c < count; c++) {
    const half = Float64Array.from({ length: P }, (_, i) => {
      let sum = 0;
      for (let j = 0; j <= i; j++) sum += lower[i * P + j] * sums[c * P + j];
      return sum;
    });
    for (let i = 0; i < P; i++) {
      let influence = 0;
      for (let j = i; j < P; j++) influence += lower[j * P + i] * half[j];
      squares[i] += small * influence * influence;
    }
  }
  return squares.map(Math.sqrt);
}

/** AUC of a minus AUC of b: the error from each cluster's influence on both. */
function aucDifference(y: Float64Array, a: Float64Array, b: Float64Array, clusters: Int32Array): Estimate {
  const [of, other] = [placements(a, y), placements(b, y)];
  if (of === undefined || other === undefined) return { value: 0, low: 0, high: 0 };
  const value = of.auc - other.auc;
  const influence = new Float64Array(clusterCount(clusters));
  let p = 0;
  let n = 0;
  for (let row = 0; row < y.length; row++) {
    const [left, right, count] =
      y[row] === 1
        ? [of.positives[p], other.positives[p++], of.positives.length]
        : [of.negatives[n], other.negatives[n++], of.negatives.length];
    influence[clusters[row]] += (left - right - value) / count;
  }
  return interval(value, clusteredError(influence));
}

function lossDifference(a: Float64Array, b: Float64Array, clusters: Int32Array): Estimate {
  let value = 0;
  for (let row = 0; row < a.length; row++) value += (a[row] - b[row]) / a.length;
  const influence = new Float64Array(clusterCount(clusters));
  for (let row = 0; row < a.length; row++) influence[clusters[row]] += (a[row] - b[row] - value) / a.length;
  return interval(value, clusteredError(influence));
}

const clusteredError = (influence: Float64Array): number =>
  Math.sqrt(
    influence.reduce((sum, x) => sum + x * x, 0) *
      (influence.length > 1 ? influence.length / (influence.length - 1) : 1),
  );
