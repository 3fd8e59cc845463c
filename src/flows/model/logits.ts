/**
 * Terms from a model in place of labels: what a model uses. Its logits of the same rows under every scenario (counterfactual
 * scenario ids) are regressed on the coarse fields; effects are known up to a small misfit.
 */

import type { CoarseEffect } from '../effects/coarse.ts';
import { contrastsOf } from '../effects/contrasts.ts';
import { addOuter, columnsOf, designOf } from '../effects/design.ts';
import { cholesky, solveCholesky } from '../numeric/matrix.ts';
import type { FlowRows } from '../rows.ts';
import { type Block, surveyOf, valuesOf } from '../survey.ts';
import type { Term } from '../terms.ts';

/** Misfit as a share of a term's root mean square, and a floor: a model's effects are not additive to the last digit. */
const MODEL_MISFIT = 0.15;
const MODEL_FLOOR = 0.02;

/** `logits` [N, S, T]: of every row as if it were of each scenario. Fields with more than `maxLevels` levels are not used. */
export function modelTerms(
  rows: FlowRows,
  logits: Float32Array,
  maxLevels: number,
): { terms: Term[]; fields: CoarseEffect[] } {
  const { coarse } = surveyOf(rows).blocks(maxLevels);
  const T = rows.tasks;
  const C = rows.scenarios * T;
  const effects = regression(rows, coarse, logits, C); // [P, C]
  let first = 1;
  const fields = coarse.map((block): CoarseEffect => {
    const L = block.levels;
    const contrasts = contrastsOf(block);
    const { coefficients } = contrasts; // [L-1, L]
    const y = new Float64Array((L - 1) * C);
    for (let m = 0; m < L - 1; m++)
      for (let l = 0; l < L; l++)
        for (let c = 0; c < C; c++) y[m * C + c] += coefficients[m * L + l] * effects[(first + l) * C + c];
    first += L;
    const error = new Float64Array((L - 1) * C * T);
    const misfit = MODEL_MISFIT ** 2 * meanSquareOf(y) + MODEL_FLOOR ** 2;
    for (let i = 0; i < y.length; i++) error[i * T + (i % T)] = misfit;
    return { kind: 'coarse', block, contrasts, y, error };
  });
  const terms = fields.map(
    ({ block: { name, levels }, y, error: K }): Term => ({
      name,
      kind: 'coarse',
      rows: levels - 1,
      y,
      K,
      meanSquare: meanSquareOf(y),
      nested: false,
    }),
  );
  return { terms, fields };
}

const meanSquareOf = (y: Float64Array): number => y.reduce((sum, value) => sum + value * value, 0) / y.length;

/** Least squares of every cell's centred logits on all coarse fields at once, with a ridge of 1. */
function regression(rows: FlowRows, coarse: readonly Block[], logits: Float32Array, C: number): Float64Array {
  const n = rows.rows;
  const ones = new Float64Array(n).fill(1);
  const values = coarse.map((block) => valuesOf(rows, block, ones));
  const design = designOf(n, columnsOf(coarse), values);
  const P = design.columns;
  const normal = new Float64Array(P * P);
  const right = new Float64Array(P * C);
  const means = new Float64Array(C);
  for (let i = 0; i < n * C; i++) means[i % C] += logits[i] / n;
  for (let row = 0; row < n; row++) {
    addOuter(design, row, 1, normal);
    for (let i = design.start[row]; i < design.start[row + 1]; i++) {
      const a = design.column[i];
      for (let c = 0; c < C; c++) right[a * C + c] += design.value[i] * (logits[row * C + c] - means[c]);
    }
  }
  for (let i = 0; i < P; i++) normal[i * P + i] += 1;
  cholesky(normal, P);
  const out = new Float64Array(P * C);
  for (let c = 0; c < C; c++) {
    const b = Float64Array.from({ length: P }, (_, i) => right[i * C + c]);
    solveCholesky(normal, P, b);
    for (let i = 0; i < P; i++) out[i * C + c] = b[i];
  }
  return out;
}

/** [N, T] of [N, S, T]: of every row in its own scenario. */
export function ownLogits({ rows: n, scenarios: S, tasks: T, scenario }: FlowRows, logits: Float32Array): Float32Array {
  const own = new Float32Array(n * T);
  for (let row = 0; row < n; row++)
    for (let t = 0; t < T; t++) own[row * T + t] = logits[(row * S + scenario[row]) * T + t];
  return own;
}
