/** Gaussian elimination with pivots: another way to the numbers than the product's Cholesky factors. */
export function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const { rows } = eliminate(matrix.map((row, i) => [...row, right[i]]));
  return rows.map((row) => row[matrix.length]);
}

export function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const { rows } = eliminate(
    matrix.map((row, i) => [...row, ...Array.from({ length: n }, (_, j) => (i === j ? 1 : 0))]),
  );
  return rows.map((row) => row.slice(n));
}

export const determinant = (matrix: readonly (readonly number[])[]): number =>
  eliminate(matrix.map((row) => [...row])).determinant;

function eliminate(rows: number[][]): { rows: number[][]; determinant: number } {
  const n = rows.length;
  let determinant = 1;
  for (let k = 0; k < n; k++) {
    let pivot = k;
    for (let i = k + 1; i < n; i++) if (Math.abs(rows[i][k]) > Math.abs(rows[pivot][k])) pivot = i;
    if (pivot !== k) determinant = -determinant;
    [rows[k], rows[pivot]] = [rows[pivot], rows[k]];
    const lead = rows[k][k];
    determinant *= lead;
    rows[k] = rows[k].map((value) => value / lead);
    for (let i = 0; i < n; i++)
      if (i !== k && rows[i][k] !== 0) {
        const factor = rows[i][k];
        rows[i] = rows[i].map((value, j) => value - factor * rows[k][j]);
      }
  }
  return { rows, determinant };
}
