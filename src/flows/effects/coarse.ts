/**
 * Effects of the coarse fields: per cell an additive logistic regression of all of them together, by iteratively reweighted
 * least squares.
 */
import { sigmoid } from '../../evaluate/index.ts';
import { bilinear } from '../numeric/matrix.ts';
import type { Block, Blocks } from '../survey.ts';
import { type CellModel, type CellOptions, countCells, fitCells } from './cells.ts';
import { type Clustered, clusterCovariances, decidingFields, residualsOf } from './clusters.ts';
import { type Contrasts, contrastsOf } from './contrasts.ts';
import { addOuter } from './design.ts';
import { logitAt, type Passes } from './passes.ts';

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
  /** [C] of [P] coefficients of each cell; undefined where a cell is not known. */
  coefficients: (Float64Array | undefined)[];
  correlation: Float64Array;
}

/** As many scenarios at a time as memory allows. */
export async function coarseEffects(passes: Passes, { coarse, fine }: Blocks, options: CellOptions): Promise<Coarse> {
  const { scenarios: S, tasks: T } = passes;
  const { columns: P, first } = passes.columns;
  const C = S * T;
  const deciding = await decidingFields(passes, { coarse, fine });
  const fields = coarse.map((block, j): CoarseEffect => {
    const id = deciding[j];
    return {
      kind: 'coarse',
      block,
      contrasts: contrastsOf(block),
      y: new Float64Array((block.levels - 1) * C),
      error: new Float64Array((block.levels - 1) * C * T),
      ...(id !== undefined && { decidedBy: fine[id].name }),
    };
  });
  const correlation = new Float64Array(S * T * T).fill(1);
  const coefficients: (Float64Array | undefined)[] = [];
  const counts = await countCells(passes);
  const atOnce = Math.max(Math.floor(passes.turnBytes / (8 * P * P * (3 * T + pairsOf(T)))), 1);
  for (let from = 0; from < S; from += atOnce) {
    const range = [from, Math.min(from + atOnce, S)] as const;
    const models = await fitCells(passes, range, counts, options);
    const shared = await correlate(passes, range, models, correlation);
    const errors = await errorsOf(passes, range, models, { fields, deciding, fine });
    for (const [s, own] of errors)
      for (const [j, field] of fields.entries())
        fillField(field, own[j], first[j], { S, T, s, models, P, shared: shared[s - from] });
    for (let c = range[0] * T; c < range[1] * T; c++) coefficients.push(models[c]?.b);
  }
  return { fields, coefficients, correlation };
}

/** Pairs of tasks t < u in their order: how many, and the place of one. */
const pairsOf = (T: number): number => (T * (T - 1)) / 2;
const pairOf = (t: number, u: number, T: number): number => t * T - pairsOf(t + 1) + u - t - 1;

/**
 * Writes the correlation of each pair of tasks; gives, for each scenario of the range and pair, the matrix X' diag(rho sqrt(h_t h_u)) X
 * over its rows (lower triangle), which carries errors from one task to another.
 */
async function correlate(
  passes: Passes,
  [from, to]: readonly [number, number],
  models: readonly (CellModel | undefined)[],
  correlation: Float64Array,
): Promise<Float64Array[][]> {
  const { tasks: T } = passes;
  const P = passes.columns.columns;
  const scenarios = Array.from({ length: to - from }, () =>
    Array.from({ length: pairsOf(T) }, () => ({ matrix: new Float64Array(P * P), sum: 0, mass: 0 })),
  );
  const residual = new Float64Array(T);
  const root = new Float64Array(T);
  if (T > 1)
    await passes.each((part) => {
      const { scenario, mass, design } = part;
      for (let row = 0; row < part.rows; row++) {
        const s = scenario[row];
        if (s < from || s >= to || !(mass[row] > 0)) continue;
        residualsOf(part, row, models, residual);
        for (let t = 0; t < T; t++) {
          const model = models[s * T + t];
          const p = model === undefined ? 0 : sigmoid(logitAt(part, row * T + t, row, model.b));
          root[t] = Math.sqrt(p * (1 - p));
        }
        for (let t = 0; t < T; t++)
          for (let u = t + 1; u < T; u++) {
            const pair = scenarios[s - from][pairOf(t, u, T)];
            pair.mass += mass[row];
            if (root[t] === 0 || root[u] === 0) continue;
            pair.sum += (residual[t] * residual[u]) / (mass[row] * root[t] * root[u]);
            addOuter(design, row, mass[row] * root[t] * root[u], pair.matrix);
          }
      }
    });
  return scenarios.map((pairs, i) => {
    for (let t = 0; t < T; t++)
      for (let u = t + 1; u < T; u++) {
        const { sum, mass, matrix } = pairs[pairOf(t, u, T)];
        const rho = mass === 0 ? 0 : sum / mass;
        for (let at = 0; at < matrix.length; at++) matrix[at] *= rho;
        correlation[((from + i) * T + t) * T + u] = rho;
        correlation[((from + i) * T + u) * T + t] = rho;
      }
    return pairs.map(({ matrix }) => matrix);
  });
}

/** Where the errors of a field's contrasts come from. */
interface Errors {
  /** [M, T] of [P]: the inverse Hessian times a contrast's coefficients. */
  sources: Float64Array[][];
  /** [M, T, T] of a field that an id decides: counted by id. */
  covariance?: Float64Array;
}

/** By scenario of the range and field. */
async function errorsOf(
  passes: Passes,
  [from, to]: readonly [number, number],
  models: readonly (CellModel | undefined)[],
  {
    fields,
    deciding,
    fine,
  }: { fields: readonly CoarseEffect[]; deciding: readonly (number | undefined)[]; fine: readonly Block[] },
): Promise<Map<number, Errors[]>> {
  const T = passes.tasks;
  const { columns: P, first } = passes.columns;
  const found = new Map<number, Errors[]>();
  const clustered: Clustered[] = [];
  for (let s = from; s < to; s++)
    found.set(
      s,
      fields.map((field, j): Errors => {
        const sources = sourcesOf(field, first[j], models.slice(s * T, (s + 1) * T), P);
        const id = deciding[j];
        if (id === undefined) return { sources };
        const covariance = new Float64Array(sources.length * T * T);
        clustered.push({ scenario: s, id, sources, covariance });
        return { sources, covariance };
      }),
    );
  await clusterCovariances(passes, models, clustered, fine);
  return found;
}

function sourcesOf(
  { block: { levels: L }, contrasts: { coefficients } }: CoarseEffect,
  first: number,
  models: readonly (CellModel | undefined)[],
  P: number,
): Float64Array[][] {
  return Array.from({ length: L - 1 }, (_, m) =>
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
}

/** Error variance that stands for "this cell is not known". */
const UNKNOWN = 1e8;

/** Effects and their errors of one coarse field in the cells of one scenario. */
function fillField(
  field: CoarseEffect,
  { sources, covariance: robust }: Errors,
  first: number,
  about: {
    S: number;
    T: number;
    s: number;
    models: readonly (CellModel | undefined)[];
    P: number;
    shared: Float64Array[];
  },
): void {
  const { S, T, s, models, P, shared } = about;
  const C = S * T;
  const L = field.block.levels;
  const { coefficients } = field.contrasts;
  for (let m = 0; m < L - 1; m++) {
    const row = coefficients.subarray(m * L, (m + 1) * L);
    for (let t = 0; t < T; t++) {
      const c = s * T + t;
      const model = models[c];
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
        if (models[s * T + u] === undefined) continue;
        const covariance = robust
          ? robust[(m * T + u) * T + t]
          : bilinear(shared[pairOf(t, u, T)], P, sources[m][t], sources[m][u]);
        field.error[(m * C + c) * T + u] = covariance;
        field.error[(m * C + s * T + u) * T + t] = covariance;
      }
    }
  }
}
