/**
 * Effects of the coarse fields: per cell an additive logistic regression of all of them together, by iteratively reweighted
 * least squares.
 */
import { sigmoid } from '../../evaluate/index.ts';
import { bilinear, inverseOf } from '../numeric/matrix.ts';
import { newton } from '../numeric/newton.ts';
import type { Block, Blocks, FlowRows } from '../rows.ts';
import { clusterCovariances, decidingField, type Grouped, groupedBy } from './clusters.ts';
import { type Contrasts, contrastsOf } from './contrasts.ts';
import { addOuter, addRow, type Design, designOf, times } from './design.ts';

export interface CellOptions {
  /** Ridge penalty on the effects of coarse levels. */
  ridge: number;
  /** Positives, and negatives, that a cell needs: with fewer it is not estimated. */
  minCount: number;
}

/** A coarse field: its effects as coefficients of functions of its levels. */
export interface CoarseEffect {
  kind: 'coarse';
  block: Block;
  contrasts: Contrasts;
  /** [L-1, C] */
  y: Float64Array;
  /** [L-1, S, T, T] error covariance: cells of one scenario correlate, through the rows they share. */
  error: Float64Array;
  /** Name of the id field that decides it (occupation by user): rows of one id are not independent. */
  decidedBy?: string;
}

interface Coarse {
  fields: CoarseEffect[];
  /** [N, T] logit of every row by the coarse fields. */
  eta: Float64Array;
  correlation: Float64Array;
  known: boolean[];
}

/**
 * Scenario after scenario, so that only the inverse Hessians of one scenario's tasks are in memory.
 *
 * @param asked [N, T] 1 where a row has a label that counts
 * @param mass [N] weight of each row
 */
export function coarseEffects(
  rows: FlowRows,
  { coarse, fine }: Blocks,
  asked: Uint8Array,
  mass: Float64Array,
  options: CellOptions,
): Coarse {
  const { scenarios: S, tasks: T, rows: n } = rows;
  const C = S * T;
  const design = designOf(n, coarse);
  const ids = fine.flatMap((block) => (block.pair === undefined ? [groupedBy(block)] : []));
  const groups = coarse.map((block) => decidingField(block, ids));
  const fields = coarse.map((block, j): CoarseEffect => {
    const decided = groups[j];
    return {
      kind: 'coarse',
      block,
      contrasts: contrastsOf(block),
      y: new Float64Array((block.levels - 1) * C),
      error: new Float64Array((block.levels - 1) * C * T),
      ...(decided && { decidedBy: decided.block.name }),
    };
  });
  const eta = new Float64Array(n * T);
  const correlation = new Float64Array(S * T * T).fill(1);
  const residual = new Float64Array(n * T);
  const known: boolean[] = [];
  for (let s = 0; s < S; s++) {
    const own = rowsOf(rows.scenario, s);
    const models = Array.from({ length: T }, (_, t) => {
      const model = fitCell(rows, design, { own, asked, mass, t }, options);
      if (model !== undefined)
        for (const row of own) {
          eta[row * T + t] = times(design, row, model.b);
          if (asked[row * T + t])
            residual[row * T + t] = mass[row] * (rows.labels[row * T + t] - sigmoid(eta[row * T + t]));
        }
      return model;
    });
    known.push(...models.map((model) => model !== undefined));
    const shared = correlate(rows, design, own, { eta, residual, mass, models, s }, correlation);
    const about = { S, T, s, models, design, residual, scenario: rows.scenario, shared };
    for (const [j, field] of fields.entries()) fillField(field, design.first[j], groups[j], about);
  }
  return { fields, eta, correlation, known };
}

function rowsOf(scenario: Int32Array, s: number): Int32Array {
  const found: number[] = [];
  for (let row = 0; row < scenario.length; row++) if (scenario[row] === s) found.push(row);
  return Int32Array.from(found);
}

interface CellModel {
  /** [P] */
  b: Float64Array;
  /** [P,P] inverse Hessian, full. */
  inverse: Float64Array;
}

/** Logistic regression of one cell with a ridge; undefined where it has too few positives or negatives. */
function fitCell(
  { tasks: T, labels }: FlowRows,
  design: Design,
  { own, asked, mass, t }: { own: Int32Array; asked: Uint8Array; mass: Float64Array; t: number },
  { ridge, minCount }: CellOptions,
): CellModel | undefined {
  const P = design.columns;
  const used = own.filter((row) => asked[row * T + t] === 1 && mass[row] > 0);
  let count = 0;
  let positives = 0;
  let all = 0;
  for (const row of used) {
    count += labels[row * T + t];
    positives += mass[row] * labels[row * T + t];
    all += mass[row];
  }
  if (count < Math.max(minCount, 1) || used.length - count < Math.max(minCount, 1)) return undefined;
  const penalty = new Float64Array(P).fill(ridge);
  penalty[0] = 1e-6;
  const b = new Float64Array(P);
  b[0] = Math.log(positives / (all - positives));
  const assemble = (gradient: Float64Array, hessian: Float64Array): void => {
    for (const row of used) {
      const p = sigmoid(times(design, row, b));
      addOuter(design, row, mass[row] * p * (1 - p), hessian);
      addRow(design, row, mass[row] * (labels[row * T + t] - p), gradient);
    }
    for (let i = 0; i < P; i++) {
      hessian[i * P + i] += penalty[i];
      gradient[i] -= penalty[i] * b[i];
    }
  };
  const hessian = newton(b, assemble, { iterations: 7, tolerance: 1e-4 });
  return hessian && { b, inverse: inverseOf(hessian, P) };
}

/**
 * The correlation of each pair of tasks, and for each pair the matrix X' diag(rho sqrt(h_t h_u)) X over the scenario's rows
 * (lower triangle), which carries errors from one task to another.
 */
function correlate(
  { tasks: T }: FlowRows,
  design: Design,
  own: Int32Array,
  about: {
    eta: Float64Array;
    residual: Float64Array;
    mass: Float64Array;
    models: (CellModel | undefined)[];
    s: number;
  },
  correlation: Float64Array,
): Map<string, Float64Array> {
  const { eta, residual, mass, models, s } = about;
  const shared = new Map<string, Float64Array>();
  let all = 0;
  for (const row of own) all += mass[row];
  const root = (row: number, t: number): number => {
    const p = sigmoid(eta[row * T + t]);
    return Math.sqrt(p * (1 - p));
  };
  for (let t = 0; t < T; t++)
    for (let u = t + 1; u < T; u++) {
      let sum = 0;
      if (models[t] && models[u])
        for (const row of own)
          if (mass[row] > 0)
            sum += (residual[row * T + t] * residual[row * T + u]) / (mass[row] * root(row, t) * root(row, u));
      const rho = all === 0 ? 0 : sum / all;
      correlation[(s * T + t) * T + u] = rho;
      correlation[(s * T + u) * T + t] = rho;
      const matrix = new Float64Array(design.columns ** 2);
      for (const row of own) addOuter(design, row, rho * mass[row] * root(row, t) * root(row, u), matrix);
      shared.set(`${t},${u}`, matrix);
    }
  return shared;
}

/** Error variance that stands for "this cell is not known". */
const UNKNOWN = 1e8;

/** Effects and their errors of one coarse field in the cells of one scenario. */
function fillField(
  field: CoarseEffect,
  first: number,
  group: Grouped | undefined,
  about: {
    S: number;
    T: number;
    s: number;
    models: (CellModel | undefined)[];
    design: Design;
    residual: Float64Array;
    scenario: Int32Array;
    shared: Map<string, Float64Array>;
  },
): void {
  const { S, T, s, models, design } = about;
  const C = S * T;
  const P = design.columns;
  const L = field.block.levels;
  const { coefficients } = field.contrasts;
  // Where the errors of each contrast come from: inverse Hessian times its coefficients. [L-1, T] of [P]
  const sources = Array.from({ length: L - 1 }, (_, m) =>
    models.map((model) => {
      const source = new Float64Array(P);
      if (model !== undefined)
        for (let i = 0; i < P; i++) {
          let sum = 0;
          for (let l = 0; l < L; l++) sum += model.inverse[i * P + first + l] * coefficients[m * L + l];
          source[i] = sum;
        }
      return source;
    }),
  );
  const robust = group && clusterCovariances(group, sources, about);
  for (let m = 0; m < L - 1; m++) {
    const row = coefficients.subarray(m * L, (m + 1) * L);
    for (let t = 0; t < T; t++) {
      const model = models[t];
      const c = s * T + t;
      if (model === undefined) {
        field.error[(m * C + c) * T + t] = UNKNOWN;
        continue;
      }
      let y = 0;
      let variance = 0;
      for (let l = 0; l < L; l++) {
        y += row[l] * model.b[first + l];
        variance += row[l] * sources[m][t][first + l];
      }
      field.y[m * C + c] = y;
      field.error[(m * C + c) * T + t] = robust ? robust[(m * T + t) * T + t] : variance;
      for (let u = t + 1; u < T; u++) {
        if (models[u] === undefined) continue;
        const covariance = robust
          ? robust[(m * T + u) * T + t]
          : bilinear(about.shared.get(`${t},${u}`) as Float64Array, P, sources[m][t], sources[m][u]);
        field.error[(m * C + c) * T + u] = covariance;
        field.error[(m * C + s * T + u) * T + t] = covariance;
      }
    }
  }
}
