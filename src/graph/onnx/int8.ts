/**
 * Weights in eight bits: whole numbers with a scale for each column. fusions/int8-product.ts multiplies rows with them.
 */

import { nodesBefore } from '../order.ts';
import { isBatch } from '../shape.ts';
import { isOp, type Tensor } from '../tensor.ts';

/** Weights [in, out] as whole numbers between -127 and 127, times a scale for each column. */
export interface Int8Weights {
  int8: Int8Array;
  /** [out] */
  scales: Float32Array;
}

/**
 * Rounds weights [in, columns] to eight bits. The number with the largest absolute value of a column becomes 127 or
 * -127.
 */
export function toInt8(data: Float32Array, columns: number): Int8Weights {
  const scales = new Float32Array(columns);
  data.forEach((value, i) => {
    scales[i % columns] = Math.max(scales[i % columns], Math.abs(value) / 127);
  });
  return {
    int8: Int8Array.from(data, (value, i) => (value === 0 ? 0 : Math.round(value / scales[i % columns]))),
    scales,
  };
}

/**
 * Inputs that may be stored in eight bits: matrices of at least `minSize` numbers that are read only by products of
 * rows with them.
 */
export function int8Candidates(outputs: Record<string, Tensor>, minSize: number): string[] {
  const readers = new Map<Tensor<'input'>, boolean>();
  for (const node of nodesBefore(...Object.values(outputs)))
    for (const [place, input] of node.inputs.entries()) {
      if (!isOp(input, 'input')) continue;
      readers.set(input, (readers.get(input) ?? true) && place === 1 && isPlainProduct(node));
    }
  return [...readers]
    .filter(
      ([{ shape }, fits]) => fits && shape.reduce<number>((count, size) => count * (size as number), 1) >= minSize,
    )
    .map(([{ attributes }]) => attributes.name);
}

function isPlainProduct(node: Tensor): boolean {
  if (!isOp(node, 'matmul')) return false;
  const [rows, weights] = node.inputs;
  const { transposeA, transposeB } = node.attributes;
  const ofRows = rows.shape.length === 2 && isBatch(rows.shape[0]);
  return ofRows && weights.shape.length === 2 && !weights.shape.some(isBatch) && !transposeA && !transposeB;
}
