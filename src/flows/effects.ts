/**
 * Stage 1: what each field does in each cell. Per cell an additive logistic model; coarse fields are estimated all together by
 * iteratively reweighted least squares, ids one after another on top of them.
 */
import { cholesky, eigenvectors, invertLower, solveCholesky } from './matrix.ts';
import { type Block, type Blocks, type FlowRows, isComplete, levelTotals } from './rows.ts';

export interface EffectOptions {
  /** Ridge penalty on the effects of coarse levels. */
  ridge: number;
  /** A task is asked of the rows alone where the task before it is 1 (click, then purchase). */
  orderedTasks: boolean;
  /** Positives, and negatives, that a cell needs: with fewer it says nothing. */
  minCount: number;
}

/** A coarse field: its effects as coefficients of functions of its levels. */
export interface CoarseEffect {
  kind: 'coarse';
  block: Block;
  /** [L, L-1] functions of the levels, orthonormal under their weights, orthogonal to the constant. */
  basis: Float64Array;
  /** [L-1, C] */
  y: Float64Array;
  /** [L-1, C, C] error covariance: cells of one scenario correlate, through the rows they share. */
  error: Float64Array;
  /** Name of the id field that decides it (occupation by user): rows of one id are no independent witnesses. */
  decidedBy?: string;
}

/** An id field: score and information of each level, given everything else. */
export interface FineEffect {
  kind: 'fine';
  block: Block;
  /** [C, L] */
  score: Float64Array;
  /** [C, L] */
  information: Float64Array;
}

export interface Effects {
  fields: (CoarseEffect | FineEffect)[];
  /** [S, T, T] mean product of the standardised residuals of two tasks. */
  correlation: Float64Array;
  /** [C] Has the cell enough positives and negatives? */
  known: boolean[];
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

export function fieldEffects(rows: FlowRows, blocks: Blocks, options: EffectOptions): Effects {
  const asked = askedRows(rows, options.orderedTasks);
  const coarse = coarseEffects(rows, blocks, asked, options);
  const fine = fineEffects(rows, blocks.fine, asked, coarse.eta, coarse.known);
  return { fields: [...coarse.fields, ...fine], correlation: coarse.correlation, known: coarse.known };
}

/** [N, T] 1 where a row has a label that counts. */
function askedRows({ rows, tasks: T, labels }: FlowRows, ordered: boolean): Uint8Array {
  const asked = new Uint8Array(rows * T);
  for (let i = 0; i < asked.length; i++)
    asked[i] = !Number.isNaN(labels[i]) && !(ordered && i % T > 0 && !(labels[i - 1] > 0)) ? 1 : 0;
  return asked;
}

/** Columns of the coarse design: the intercept, then the levels of each field. Rows as lists of (column, value). */
interface Design {
  columns: number;
  /** First column of each field. */
  first: number[];
  /** [N + 1] */
  start: Int32Array;
  column: Int32Array;
  value: Float64Array;
}

function designOf(n: number, coarse: readonly Block[]): Design {
  const first: number[] = [];
  let columns = 1;
  for (const block of coarse) {
    first.push(columns);
    columns += block.levels;
  }
  const start = new Int32Array(n + 1);
  const width = 1 + coarse.reduce((sum, { slots }) => sum + slots, 0);
  const column = new Int32Array(n * width);
  const value = new Float64Array(n * width);
  let at = 0;
  for (let row = 0; row < n; row++) {
    column[at] = 0;
    value[at++] = 1;
    for (const [j, { slots, ids, weight }] of coarse.entries())
      for (let slot = 0; slot < slots; slot++) {
        const id = ids[row * slots + slot];
        if (id < 0) continue;
        column[at] = first[j] + id;
        value[at++] = weight[row];
      }
    start[row + 1] = at;
  }
  return { columns, first, start, column, value };
}

function times({ start, column, value }: Design, row: number, b: Float64Array, offset = 0): number {
  let sum = 0;
  for (let i = start[row]; i < start[row + 1]; i++) sum += value[i] * b[offset + column[i]];
  return sum;
}

/** Adds factor * x x' of a row to the lower triangle. */
function addOuter(
  { start, column, value, columns: P }: Design,
  row: number,
  factor: number,
  matrix: Float64Array,
): void {
  for (let i = start[row]; i < start[row + 1]; i++) {
    const scaled = factor * value[i];
    const a = column[i];
    for (let j = start[row]; j < start[row + 1]; j++) {
      const b = column[j];
      if (b <= a) matrix[a * P + b] += scaled * value[j];
    }
  }
}

interface Coarse {
  fields: CoarseEffect[];
  /** [N, T] logit of every row by the coarse fields. */
  eta: Float64Array;
  correlation: Float64Array;
  known: boolean[];
}

/** Scenario after scenario, so that only the inverse Hessians of one scenario's tasks are in memory. */
function coarseEffects(rows: FlowRows, { coarse, fine }: Blocks, asked: Uint8Array, options: EffectOptions): Coarse {
  const { scenarios: S, tasks: T, rows: n } = rows;
  const C = S * T;
  const design = designOf(n, coarse);
  const fields = coarse.map((block): CoarseEffect => {
    const decided = decidingField(block, fine);
    return {
      kind: 'coarse',
      block,
      basis: contrastsOf(block).basis,
      y: new Float64Array((block.levels - 1) * C),
      error: new Float64Array((block.levels - 1) * C * C),
      ...(decided && { decidedBy: decided.name }),
    };
  });
  const eta = new Float64Array(n * T);
  const correlation = new Float64Array(S * T * T).fill(1);
  const known: boolean[] = [];
  for (let s = 0; s < S; s++) {
    const own = rowsOf(rows.scenario, s);
    const residual = new Float64Array(n * T);
    const models = Array.from({ length: T }, (_, t) => {
      const model = fitCell(rows, design, own, asked, t, options);
      if (model !== undefined)
        for (const row of own) {
          eta[row * T + t] = times(design, row, model.b);
          if (asked[row * T + t]) residual[row * T + t] = rows.labels[row * T + t] - sigmoid(eta[row * T + t]);
        }
      return model;
    });
    known.push(...models.map((model) => model !== undefined));
    const shared = correlate(rows, design, own, { eta, residual, models, s }, correlation);
    for (const [j, field] of fields.entries()) {
      const group = fine.find(({ name }) => name === field.decidedBy);
      fillField(field, design.first[j], { S, T, s, models, design, own, residual, group, shared });
    }
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
  own: Int32Array,
  asked: Uint8Array,
  t: number,
  { ridge, minCount }: EffectOptions,
): CellModel | undefined {
  const P = design.columns;
  const used = own.filter((row) => asked[row * T + t] === 1);
  let positives = 0;
  for (const row of used) positives += labels[row * T + t];
  const negatives = used.length - positives;
  if (positives < Math.max(minCount, 1) || negatives < Math.max(minCount, 1)) return undefined;
  const penalty = new Float64Array(P).fill(ridge);
  penalty[0] = 1e-6;
  const b = new Float64Array(P);
  b[0] = Math.log(positives / negatives);
  const hessian = new Float64Array(P * P);
  const gradient = new Float64Array(P);
  const assemble = (): void => {
    hessian.fill(0);
    gradient.fill(0);
    for (const row of used) {
      const p = sigmoid(times(design, row, b));
      addOuter(design, row, p * (1 - p), hessian);
      const residual = labels[row * T + t] - p;
      for (let i = design.start[row]; i < design.start[row + 1]; i++)
        gradient[design.column[i]] += residual * design.value[i];
    }
    for (let i = 0; i < P; i++) {
      hessian[i * P + i] += penalty[i];
      gradient[i] -= penalty[i] * b[i];
    }
  };
  for (let iteration = 0; iteration < 7; iteration++) {
    assemble();
    cholesky(hessian, P);
    solveCholesky(hessian, P, gradient);
    let largest = 0;
    for (let i = 0; i < P; i++) {
      b[i] += gradient[i];
      largest = Math.max(largest, Math.abs(gradient[i]));
    }
    if (largest < 1e-4) break;
  }
  assemble();
  return { b, inverse: inverseOf(hessian, P) };
}

function inverseOf(symmetric: Float64Array, n: number): Float64Array {
  cholesky(symmetric, n);
  const lower = new Float64Array(n * n);
  invertLower(symmetric, n, lower);
  const out = new Float64Array(n * n);
  for (let k = 0; k < n; k++)
    for (let i = 0; i <= k; i++) {
      const factor = lower[k * n + i];
      if (factor === 0) continue;
      for (let j = 0; j <= i; j++) out[i * n + j] += factor * lower[k * n + j];
    }
  for (let i = 0; i < n; i++) for (let j = 0; j < i; j++) out[j * n + i] = out[i * n + j];
  return out;
}

/**
 * The correlation of each pair of tasks, and for each pair the matrix X' diag(rho sqrt(h_t h_u)) X over the scenario's rows
 * (lower triangle), which carries errors from one task to another.
 */
function correlate(
  { tasks: T }: FlowRows,
  design: Design,
  own: Int32Array,
  about: { eta: Float64Array; residual: Float64Array; models: (CellModel | undefined)[]; s: number },
  correlation: Float64Array,
): Map<string, Float64Array> {
  const { eta, residual, models, s } = about;
  const shared = new Map<string, Float64Array>();
  const root = (row: number, t: number): number => {
    const p = sigmoid(eta[row * T + t]);
    return Math.sqrt(p * (1 - p));
  };
  for (let t = 0; t < T; t++)
    for (let u = t + 1; u < T; u++) {
      let sum = 0;
      if (models[t] && models[u])
        for (const row of own) sum += (residual[row * T + t] * residual[row * T + u]) / (root(row, t) * root(row, u));
      const rho = own.length === 0 ? 0 : sum / own.length;
      correlation[(s * T + t) * T + u] = rho;
      correlation[(s * T + u) * T + t] = rho;
      const matrix = new Float64Array(design.columns ** 2);
      for (const row of own) addOuter(design, row, rho * root(row, t) * root(row, u), matrix);
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
  about: {
    S: number;
    T: number;
    s: number;
    models: (CellModel | undefined)[];
    design: Design;
    own: Int32Array;
    residual: Float64Array;
    group: Block | undefined;
    shared: Map<string, Float64Array>;
  },
): void {
  const { S, T, s, models, design } = about;
  const C = S * T;
  const P = design.columns;
  const L = field.block.levels;
  const coefficients = coefficientsOf(field.block, field.basis);
  for (let m = 0; m < L - 1; m++) {
    const row = coefficients.subarray(m * L, (m + 1) * L);
    // Where the contrast's errors come from: inverse Hessian times its coefficients. [P] a task
    const sources = models.map((model) => {
      const source = new Float64Array(P);
      if (model !== undefined)
        for (let i = 0; i < P; i++) {
          let sum = 0;
          for (let l = 0; l < L; l++) sum += model.inverse[i * P + first + l] * row[l];
          source[i] = sum;
        }
      return source;
    });
    const robust = about.group && groupSums(about.group, sources, about);
    for (let t = 0; t < T; t++) {
      const model = models[t];
      const c = s * T + t;
      if (model === undefined) {
        field.error[(m * C + c) * C + c] = UNKNOWN;
        continue;
      }
      let y = 0;
      let variance = 0;
      for (let l = 0; l < L; l++) {
        y += row[l] * model.b[first + l];
        variance += row[l] * sources[t][first + l];
      }
      field.y[m * C + c] = y;
      field.error[(m * C + c) * C + c] = robust ? dot(robust[t], robust[t]) : variance;
      for (let u = t + 1; u < T; u++) {
        if (models[u] === undefined) continue;
        const covariance = robust
          ? dot(robust[t], robust[u])
          : bilinear(about.shared.get(`${t},${u}`) as Float64Array, P, sources[t], sources[u]);
        field.error[(m * C + c) * C + s * T + u] = covariance;
        field.error[(m * C + s * T + u) * C + c] = covariance;
      }
    }
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

/** a' M b of a symmetric M of which the lower triangle is there. */
function bilinear(lower: Float64Array, n: number, a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < n; i++) {
    sum += a[i] * lower[i * n + i] * b[i];
    for (let j = 0; j < i; j++) sum += lower[i * n + j] * (a[i] * b[j] + a[j] * b[i]);
  }
  return sum;
}

/** For each task, the sums over each id's rows of residual * (x . source): [levels of the id]. */
function groupSums(
  group: Block,
  sources: readonly Float64Array[],
  { T, design, own, residual }: { T: number; design: Design; own: Int32Array; residual: Float64Array },
): Float64Array[] {
  return sources.map((source, t) => {
    const sums = new Float64Array(group.levels);
    for (const row of own) {
      const r = residual[row * T + t];
      if (r === 0) continue;
      const z = r * times(design, row, source) * group.weight[row];
      for (let slot = 0; slot < group.slots; slot++) {
        const id = group.ids[row * group.slots + slot];
        if (id >= 0) sums[id] += z;
      }
    }
    return sums;
  });
}

/**
 * Functions of a field's levels, orthonormal under the level weights w and orthogonal to the constant: the left singular
 * vectors of sqrt(D) (I - 1 w'), divided by sqrt(w).
 */
export function contrastsOf(block: Block): { basis: Float64Array; coefficients: Float64Array } {
  const L = block.levels;
  const w = levelWeights(block);
  const centred = new Float64Array(L * L);
  for (let i = 0; i < L; i++)
    for (let j = 0; j < L; j++) centred[i * L + j] = Math.sqrt(w[i]) * ((i === j ? 1 : 0) - w[j]);
  const square = new Float64Array(L * L);
  for (let i = 0; i < L; i++)
    for (let j = 0; j < L; j++) {
      let sum = 0;
      for (let k = 0; k < L; k++) sum += centred[i * L + k] * centred[j * L + k];
      square[i * L + j] = sum;
    }
  const vectors = eigenvectors(square, L);
  const basis = new Float64Array(L * (L - 1));
  for (let m = 0; m < L - 1; m++)
    for (let l = 0; l < L; l++) basis[l * (L - 1) + m] = vectors[m * L + l] / Math.sqrt(w[l]);
  return { basis, coefficients: coefficientsOf(block, basis) };
}

function levelWeights(block: Block): Float64Array {
  const totals = levelTotals(block);
  const sum = totals.reduce((a, b) => a + b, 0);
  return totals.map((total) => total / sum);
}

/** [L-1, L] that turns effects of levels into coefficients of the basis: basis' D (I - 1 w'). */
function coefficientsOf(block: Block, basis: Float64Array): Float64Array {
  const L = block.levels;
  const w = levelWeights(block);
  const out = new Float64Array((L - 1) * L);
  for (let m = 0; m < L - 1; m++) {
    let mean = 0;
    for (let l = 0; l < L; l++) mean += basis[l * (L - 1) + m] * w[l];
    for (let l = 0; l < L; l++) out[m * L + l] = w[l] * (basis[l * (L - 1) + m] - mean);
  }
  return out;
}

/** The id field with the fewest levels whose level decides the coarse field's, in 99 % of the rows. */
function decidingField(block: Block, fine: readonly Block[]): Block | undefined {
  if (!isComplete(block)) return undefined;
  let best: Block | undefined;
  for (const group of fine) {
    if (group.pair !== undefined || (best !== undefined && group.levels >= best.levels)) continue;
    const counts = new Float64Array(group.levels * block.levels);
    for (let row = 0; row < block.ids.length; row++)
      for (let slot = 0; slot < group.slots; slot++) {
        const id = group.ids[row * group.slots + slot];
        if (id >= 0) counts[id * block.levels + block.ids[row]] += group.weight[row];
      }
    let top = 0;
    for (let id = 0; id < group.levels; id++) {
      let most = 0;
      for (let l = 0; l < block.levels; l++) most = Math.max(most, counts[id * block.levels + l]);
      top += most;
    }
    if (top > 0.99 * block.ids.length) best = group;
  }
  return best;
}

/** Scores and information of the levels of every id, beside the coarse fields and beside each other: backfitting. */
function fineEffects(
  { scenarios: S, tasks: T, rows: n, scenario, labels }: FlowRows,
  fine: readonly Block[],
  asked: Uint8Array,
  eta: Float64Array,
  known: readonly boolean[],
): FineEffect[] {
  const C = S * T;
  const shrunken = fine.map(({ levels }) => new Float64Array(C * levels)); // [C, L] of each field
  const offset = Float64Array.from(eta); // [N,T] logit by the coarse fields and the shrunken effects of all ids
  const found = new Map<Block, FineEffect>();
  const update = (i: number, keep: boolean): number => {
    const block = fine[i];
    const { levels: L, slots, ids, weight } = block;
    const score = new Float64Array(C * L);
    const information = new Float64Array(C * L);
    for (let row = 0; row < n; row++)
      for (let t = 0; t < T; t++) {
        const c = scenario[row] * T + t;
        if (!asked[row * T + t] || !known[c]) continue;
        const p = sigmoid(offset[row * T + t]);
        for (let slot = 0; slot < slots; slot++) {
          const id = ids[row * slots + slot];
          if (id < 0) continue;
          score[c * L + id] += weight[row] * (labels[row * T + t] - p);
          information[c * L + id] += weight[row] * p * (1 - p);
        }
      }
    const before = shrunken[i];
    for (let k = 0; k < score.length; k++) score[k] += information[k] * before[k];
    const fresh = new Float64Array(C * L);
    let gain = 0;
    for (let c = 0; c < C; c++) {
      const [from, to] = [c * L, (c + 1) * L];
      const variance = prior(score.subarray(from, to), information.subarray(from, to));
      for (let k = from; k < to; k++) {
        fresh[k] = (variance * score[k]) / (1 + variance * information[k]);
        gain += fresh[k] * score[k];
      }
    }
    found.set(block, { kind: 'fine', block, score, information });
    if (keep) {
      for (let row = 0; row < n; row++)
        for (let slot = 0; slot < slots; slot++) {
          const id = ids[row * slots + slot];
          if (id < 0) continue;
          for (let t = 0; t < T; t++) {
            const k = (scenario[row] * T + t) * L + id;
            offset[row * T + t] += weight[row] * (fresh[k] - before[k]);
          }
        }
      shrunken[i] = fresh;
    }
    return gain;
  };
  // A first look at each alone says in which order: those that explain most come first.
  const gains = fine.map((_, i) => update(i, fine.length === 1));
  const order = fine.map((_, i) => i).sort((a, b) => gains[b] - gains[a]);
  if (fine.length > 1) for (let sweep = 0; sweep < 2; sweep++) for (const i of order) update(i, true);
  return fine.map((block) => found.get(block) as FineEffect);
}

/** Variance of the effects of one cell's levels by moments: scores vary by it beyond their information. */
function prior(score: Float64Array, information: Float64Array): number {
  let excess = 0;
  let squares = 0;
  for (let k = 0; k < score.length; k++) {
    excess += score[k] * score[k] - information[k];
    squares += information[k] * information[k];
  }
  return Math.max(excess / Math.max(squares, 1e-9), 0);
}
