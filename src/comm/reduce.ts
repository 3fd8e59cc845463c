/** Sums and maxima over ranks, in the order of ranks. */
import type { ReduceOp, Reducible } from './contract.ts';

/** A new array: ((r0 + r1) + r2) + ..., each sum rounded to the type of the values. */
export function reduceInOrder<A extends Reducible>(byRank: readonly A[], op: ReduceOp): A {
  const total = byRank[0].slice() as A;
  for (const values of byRank.slice(1)) op === 'sum' ? addTo(total, values) : raiseTo(total, values);
  return total;
}

/** A sum of two float32 in float64, rounded, is their sum in float32: the bits are those of C. */
function addTo<A extends Reducible>(total: A, values: A): void {
  for (let i = 0; i < total.length; i++) total[i] += values[i];
}

function raiseTo<A extends Reducible>(total: A, values: A): void {
  for (let i = 0; i < total.length; i++) if (values[i] > total[i]) total[i] = values[i];
}
