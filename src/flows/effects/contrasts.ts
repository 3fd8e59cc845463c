/** A coarse field's effects as coefficients of functions of its levels. */
import { eigenvectors } from '../numeric/matrix.ts';
import { type Block, levelTotals } from '../survey.ts';

export interface Contrasts {
  /** [L, L-1] functions of the levels, orthonormal under their weights, orthogonal to the constant. */
  basis: Float64Array;
  /** [L-1, L] that turns effects of levels into coefficients of the basis. */
  coefficients: Float64Array;
}

/**
 * Functions of a field's levels, orthonormal under the level weights w and orthogonal to the constant: the left singular
 * vectors of sqrt(D) (I - 1 w'), divided by sqrt(w).
 */
export function contrastsOf(block: Block): Contrasts {
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
  return { basis, coefficients: coefficientsOf(w, basis) };
}

function levelWeights(block: Block): Float64Array {
  const totals = levelTotals(block);
  const sum = totals.reduce((a, b) => a + b, 0);
  return totals.map((total) => total / sum);
}

/** basis' D (I - 1 w') */
function coefficientsOf(w: Float64Array, basis: Float64Array): Float64Array {
  const L = w.length;
  const out = new Float64Array((L - 1) * L);
  for (let m = 0; m < L - 1; m++) {
    let mean = 0;
    for (let l = 0; l < L; l++) mean += basis[l * (L - 1) + m] * w[l];
    for (let l = 0; l < L; l++) out[m * L + l] = w[l] * (basis[l * (L - 1) + m] - mean);
  }
  return out;
}
