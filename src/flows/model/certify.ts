/**
 * What the flows of a model are worth on labelled rows. With the model's logits z of a cell and the score s_k of a flow at its usual
 * strength, of which the model lets w_k through there:
 *
 *   coefficient   of s_k in a logistic regression of the labels on the scores of the flows and the rest, z - sum_k w_k s_k
 *   change        z - w_k s_k against z, where the model uses the flow: what it would lose without it; where it does not,
 *                 z - w_k s_k against z - w_k s_k + s_k: what it would gain with it, with the other sign
 */
import { softplus } from '../../evaluate/index.ts';
import { type Certificate, CONSTANT } from '../certificate.ts';
import { FLOWS } from '../covariance/structure.ts';
import { deviation, logistic } from '../numeric/logistic.ts';
import { aucDifference, clustersOf, interval, lossDifference } from '../numeric/paired.ts';
import type { FlowSample } from '../read.ts';
import { isAsked } from '../rows.ts';
import { flowScores, learnedFlows } from '../scores.ts';
import type { ModelAnalysis } from './analyse.ts';
import { ownLogits } from './logits.ts';

/** Below this share of its usual strength a flow counts as not used. */
const USED = 0.5;

/** [4][C] from the logits [N, S, T] of the rows under every scenario; undefined where the cell or the flow has nothing to measure. */
export function certifyModel(
  { rows, group }: FlowSample,
  logits: Float32Array,
  { effects, terms, verdicts }: ModelAnalysis,
): (Certificate | undefined)[][] {
  const { rows: n, scenarios: S, tasks: T, labels, scenario } = rows;
  const scores = flowScores(learnedFlows(effects, terms, verdicts, S, T), rows); // [4, N, T]
  const answers = ownLogits(rows, logits);
  const out = Array.from({ length: FLOWS }, (): (Certificate | undefined)[] => []);
  for (let c = 0; c < S * T; c++) {
    const t = c % T;
    const own: number[] = [];
    for (let row = 0; row < n; row++)
      if (scenario[row] === Math.floor(c / T) && isAsked(rows, row * T + t, false)) own.push(row);
    const cell = {
      y: Float64Array.from(own, (row) => labels[row * T + t]),
      z: Float64Array.from(own, (row) => answers[row * T + t]),
      flows: Array.from({ length: FLOWS }, (_, k) => Float64Array.from(own, (row) => scores[(k * n + row) * T + t])),
      strengths: Array.from({ length: FLOWS }, (_, k) => verdicts.W[k * S * T + c]),
      clusters: clustersOf(own, group),
    };
    for (const [k, certificate] of ofCell(cell).entries()) out[k].push(certificate);
  }
  return out;
}

interface Cell {
  y: Float64Array;
  z: Float64Array;
  /** [4] of rows. */
  flows: Float64Array[];
  /** [4] */
  strengths: number[];
  clusters: Int32Array;
}

function ofCell({ y, z, flows, strengths, clusters }: Cell): (Certificate | undefined)[] {
  const positives = y.reduce((sum, label) => sum + label, 0);
  const used = [...flows.keys()].filter((k) => deviation(flows[k]) > CONSTANT);
  const plus = (a: Float64Array, factor: number, b: Float64Array): Float64Array =>
    a.map((value, i) => value + factor * b[i]);
  const rest = used.reduce((left, k) => plus(left, -strengths[k], flows[k]), z);
  const columns = [...used.map((k) => flows[k]), rest];
  const fitted = positives < 2 || y.length - positives < 2 ? undefined : logistic(y, columns, clusters);
  if (fitted === undefined) return flows.map(() => undefined);
  return flows.map((flow, k): Certificate | undefined => {
    const at = used.indexOf(k) + 1;
    if (at === 0) return undefined;
    const without = plus(z, -strengths[k], flow);
    const complete = strengths[k] < USED ? plus(without, 1, flow) : z;
    return {
      coefficient: interval(fitted.b[at], fitted.error[at]),
      aucChange: aucDifference(y, without, complete, clusters),
      loglossChange: lossDifference(losses(y, without), losses(y, complete), clusters),
      rows: y.length,
      positives,
    };
  });
}

const losses = (y: Float64Array, logits: Float64Array): Float64Array =>
  logits.map((logit, row) => softplus(logit) - y[row] * logit);
