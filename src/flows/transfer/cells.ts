/**
 * What sharing is worth in each cell, and which flows a ranker lets through, on validation rows that neither saw. With the scores
 * s_k of the flows (at strength 1), a ranker's logits z and labels y of the rows of one cell:
 *
 *   labels   logit P(y) = a + sum_k l_k s_k          what the labels carry of each flow
 *   model    z = a + sum_k m_k s_k + e               what the ranker lets through (least squares)
 *   excess   logit P(y) = a + z - sum_k x_k s_k      what it lets through beyond the labels; H0 x_k <= 0
 *
 * Negative transfer: the flow test on training rows proved the flow useless in the cell, and x_k > 0 is significant. Its cost:
 * z - m_k s_k against z.
 */
import { sigmoid } from '../../evaluate/index.ts';
import { CORRECTIONS, normalBelow, placements } from '../../evaluate/significance/index.ts';
import { FLOWS } from '../covariance/structure.ts';
import { deviation, linear, logistic } from '../numeric/logistic.ts';
import { aucDifference, clustersOf, type Estimate, interval, lossDifference, ratioOf } from '../numeric/paired.ts';
import { type FlowRows, isAsked } from '../rows.ts';
import type { AdditiveScores } from './additive.ts';

/** One ranker against another on the rows of a cell. */
export interface Comparison {
  auc: number;
  againstAuc: number;
  aucChange: Estimate;
  loglossChange: Estimate;
  /** Two-sided, of the change of AUC. */
  p: number;
}

/** One flow in one cell. */
export interface FlowTransfer {
  labels: Estimate;
  model: Estimate;
  excess: Estimate;
  /** One-sided: of an excess this large where the ranker lets through no more than the labels carry. */
  p: number;
  /** Of the ranker without what it lets through. */
  aucChange: Estimate;
  loglossChange: Estimate;
}

export interface CellTransfer {
  rows: number;
  positives: number;
  /** Selective sharing against the cell alone, everything against the cell alone, and the model against another one. */
  selective?: Comparison;
  everything?: Comparison;
  models?: Comparison;
  /** By source scenario: the cell with its rows and those of the source against the cell alone; undefined of itself. */
  sources: (Comparison | undefined)[];
  /** [4] */
  flows: (FlowTransfer | undefined)[];
}

export interface Measured {
  rows: FlowRows;
  group?: Int32Array;
  /** [4, N, T] of the flows at strength 1. */
  scores: Float64Array;
  additive: AdditiveScores;
  /** [N, T] logits of a model, and of the one that it is compared with. */
  model?: Float32Array;
  against?: Float32Array;
  orderedTasks: boolean;
  /** Positives, and negatives, that a cell needs. */
  minCount: number;
}

/** [C] of all cells. Without a model, what lets through is the additive ranker that shares everything. */
export function measureCells(measured: Measured): CellTransfer[] {
  const { scenarios: S, tasks: T } = measured.rows;
  return Array.from({ length: S * T }, (_, c) => measureCell(measured, Math.floor(c / T), c % T));
}

function measureCell(measured: Measured, s: number, t: number): CellTransfer {
  const { rows, group, scores, additive, model, against, orderedTasks, minCount } = measured;
  const { tasks: T, rows: n, labels } = rows;
  const own: number[] = [];
  for (let row = 0; row < n; row++)
    if (rows.scenario[row] === s && isAsked(rows, row * T + t, orderedTasks)) own.push(row);
  const y = Float64Array.from(own, (row) => labels[row * T + t]);
  const positives = y.reduce((sum, label) => sum + label, 0);
  const size = { rows: y.length, positives };
  if (Math.min(positives, y.length - positives) < Math.max(minCount, 2))
    return { ...size, sources: [], flows: new Array(FLOWS).fill(undefined) };
  const clusters = clustersOf(own, group);
  const of = (values: ArrayLike<number>, first = 0): Float64Array =>
    Float64Array.from(own, (row) => values[first + row * T + t]);
  const [single, everything] = [of(additive.single), of(additive.everything)];
  const columns = Array.from({ length: FLOWS }, (_, k) => of(scores, k * n * T));
  const answers = (logits: Float32Array | undefined): Float64Array | undefined =>
    logits &&
    (orderedTasks && t > 0
      ? conditional(
          of(logits),
          Float64Array.from(own, (row) => logits[row * T + t - 1]),
        )
      : of(logits));
  const [ranked, other] = [answers(model), answers(against)];
  const compared = (a: Float64Array, b: Float64Array): Comparison | undefined => compare(y, a, b, clusters);
  return {
    ...size,
    selective: compared(of(additive.selective), single),
    everything: compared(everything, single),
    models: ranked && other && compared(ranked, other),
    sources: Array.from({ length: rows.scenarios }, (_, source) => {
      const scores = additive.sources[(source - s - 1 + rows.scenarios) % rows.scenarios];
      return source === s || scores === undefined ? undefined : compared(of(scores), single);
    }),
    flows: flowTransfers(y, ranked ?? everything, columns, clusters),
  };
}

/** Highest conditional probability: a model may hold a later step more probable than the one before it. */
const SURE = 0.999;

/** Logits of a step given the one before it, P(buy) / P(click): models answer P(buy), labels count where there was a click. */
const conditional = (step: Float64Array, before: Float64Array): Float64Array =>
  step.map((logit, row) => {
    const p = Math.min(sigmoid(logit) / sigmoid(before[row]), SURE);
    return Math.log(p / (1 - p));
  });

function compare(y: Float64Array, a: Float64Array, b: Float64Array, clusters: Int32Array): Comparison | undefined {
  const [auc, againstAuc] = [a, b].map((scores) => placements(scores, y)?.auc);
  const [left, right] = [a, b].map((scores) => logistic(y, [scores], clusters));
  if (auc === undefined || againstAuc === undefined || left === undefined || right === undefined) return undefined;
  const aucChange = aucDifference(y, a, b, clusters);
  return {
    auc,
    againstAuc,
    aucChange,
    loglossChange: lossDifference(left.losses, right.losses, clusters),
    p: 2 * normalBelow(-Math.abs(ratioOf(aucChange))),
  };
}

/** A flow whose scores hardly differ between rows cannot be measured. */
const CONSTANT = 1e-3;

function flowTransfers(
  y: Float64Array,
  z: Float64Array,
  columns: readonly Float64Array[],
  clusters: Int32Array,
): (FlowTransfer | undefined)[] {
  const used = [...columns.keys()].filter((k) => deviation(columns[k]) > CONSTANT);
  const given = used.map((k) => columns[k]);
  const labels = logistic(y, given, clusters);
  const model = linear(z, given, clusters);
  const beyond = logistic(y, given, clusters, z);
  const whole = logistic(y, [z], clusters);
  return columns.map((column, k): FlowTransfer | undefined => {
    const at = used.indexOf(k) + 1;
    if (at === 0 || !labels || !model || !beyond || !whole) return undefined;
    const without = z.map((value, row) => value - model.b[at] * column[row]);
    const rest = logistic(y, [without], clusters);
    if (rest === undefined) return undefined;
    const excess = interval(-beyond.b[at], beyond.error[at]);
    return {
      labels: interval(labels.b[at], labels.error[at]),
      model: interval(model.b[at], model.error[at]),
      excess,
      p: normalBelow(-ratioOf(excess)),
      aucChange: aucDifference(y, without, z, clusters),
      loglossChange: lossDifference(rest.losses, whole.losses, clusters),
    };
  });
}

/** False discovery rate of the claims: over the cells for sharing, over the useless flows for negative transfer. */
const RATE = 0.05;

/** Which of the values of p are claims; where p is undefined, none. */
export function claimed(p: readonly (number | undefined)[]): boolean[] {
  const known = p.flatMap((value) => (value === undefined ? [] : [value]));
  const adjusted = CORRECTIONS['benjamini-hochberg'](known);
  let next = 0;
  return p.map((value) => value !== undefined && adjusted[next++] <= RATE);
}
