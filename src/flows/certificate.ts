/**
 * Stage 4: what a verdict is worth on rows that the search never saw. Per cell a logistic regression of the labels on the
 * scores of the flows; then how AUC and log loss change without each flow. Intervals count groups (users), not rows, where
 * there are groups: sandwich covariance for coefficients, the infinitesimal jackknife over placements for AUC
 * (Obuchowski: Nonparametric analysis of clustered ROC curve data, Biometrics 53, 1997).
 */
import { FLOWS } from './covariance/structure.ts';
import { deviation, logistic } from './numeric/logistic.ts';
import { aucDifference, clustersOf, type Estimate, interval, lossDifference } from './numeric/paired.ts';
import { type FlowRows, isAsked } from './rows.ts';

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
export const CONSTANT = 1e-3;

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
