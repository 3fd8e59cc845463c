/** Sums and maxima over ranks, in the order of ranks: ((r0 + r1) + r2) + ..., each sum rounded to the type of the values. */
import type { ReduceOp, Reducible } from './contract.ts';

/** A new array. */
export function reduceInOrder<A extends Reducible>(byRank: readonly A[], op: ReduceOp): A {
  const total = byRank[0].slice() as A;
  for (const values of byRank.slice(1)) op === 'sum' ? addTo(total, values) : raiseTo(total, values);
  return total;
}

/** Sums equally long parts that lie one after another, by rank, into `total`, which has the length of one. */
export function sumParts<A extends Reducible>(parts: A, total: A): void {
  const { length } = total;
  total.set(parts.subarray(0, length));
  for (let start = length; start < parts.length; start += length)
    addTo(total, parts.subarray(start, start + length) as A);
}

/** A sum of two float32 in float64, rounded, is their sum in float32: the bits are those of C. */
function addTo<A extends Reducible>(total: A, values: A): void {
  for (let i = 0; i < total.length; i++) total[i] += values[i];
}

function raiseTo<A extends Reducible>(total: A, values: A): void {
  for (let i = 0; i < total.length; i++) if (values[i] > total[i]) total[i] = values[i];
}
