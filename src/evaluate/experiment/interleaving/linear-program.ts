/** Small linear programs by the simplex method in two phases, with Bland's rule against cycles. */

const EPSILON = 1e-10;

/**
 * The x >= 0 that minimises cost x subject to rows x = values; undefined where there is none.
 *
 * @param rows [constraint][variable]
 */
export function minimise(
  cost: readonly number[],
  rows: readonly (readonly number[])[],
  values: readonly number[],
): number[] | undefined {
  const n = cost.length;
  // One artificial variable for each constraint; right sides are made positive.
  const table = rows.map((row, i) => {
    const sign = values[i] < 0 ? -1 : 1;
    return [...row.map((x) => sign * x), ...rows.map((_, j) => Number(i === j)), sign * values[i]];
  });
  const basis = rows.map((_, i) => n + i);
  const artificial = [...cost.map(() => 0), ...rows.map(() => 1)];
  if (solve(table, basis, artificial, n + rows.length) > 1e-9) return undefined;
  leaveArtificial(table, basis, n);
  solve(table, basis, [...cost, ...rows.map(() => 0)], n);
  const x = new Array<number>(n).fill(0);
  basis.forEach((variable, i) => {
    if (variable < n) x[variable] = table[i].at(-1) as number;
  });
  return x;
}

/** Improves the basis until no variable before `columns` lowers the cost; returns the cost. */
function solve(table: number[][], basis: number[], cost: readonly number[], columns: number): number {
  const reduced = (j: number): number => cost[j] - table.reduce((sum, row, i) => sum + cost[basis[i]] * row[j], 0);
  for (let step = 0; step < 10_000; step++) {
    const entering = Array.from({ length: columns }, (_, j) => j).find((j) => reduced(j) < -EPSILON);
    if (entering === undefined) break;
    let leaving = -1;
    let least = Number.POSITIVE_INFINITY;
    table.forEach((row, i) => {
      const ratio = row[entering] > EPSILON ? (row.at(-1) as number) / row[entering] : Number.POSITIVE_INFINITY;
      if (ratio < least - EPSILON || (ratio <= least + EPSILON && leaving >= 0 && basis[i] < basis[leaving])) {
        least = Math.min(least, ratio);
        leaving = i;
      }
    });
    if (leaving < 0) break; // unbounded: not with probabilities
    pivot(table, basis, leaving, entering);
  }
  return table.reduce((sum, row, i) => sum + cost[basis[i]] * (row.at(-1) as number), 0);
}

/** Artificial variables that stay at 0 leave the basis where a real one can take their place; other rows say nothing new. */
function leaveArtificial(table: number[][], basis: number[], n: number): void {
  for (let i = table.length - 1; i >= 0; i--) {
    if (basis[i] < n) continue;
    const column = table[i].findIndex((x, j) => j < n && Math.abs(x) > EPSILON);
    if (column >= 0) pivot(table, basis, i, column);
    else {
      table.splice(i, 1);
      basis.splice(i, 1);
    }
  }
}

function pivot(table: number[][], basis: number[], row: number, column: number): void {
  const scale = table[row][column];
  table[row] = table[row].map((x) => x / scale);
  table.forEach((other, i) => {
    const factor = other[column];
    if (i !== row && factor !== 0) table[i] = other.map((x, j) => x - factor * table[row][j]);
  });
  basis[row] = column;
}
