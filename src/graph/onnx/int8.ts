/**
 * Products in eight bits: weights are stored as whole numbers with a scale for each column, rows are brought to whole numbers when
 * they come, each by a scale of its own, so that a row's answer does not depend on the rows beside it. (Dynamic quantisation as
 * ONNX defines it takes one scale for a whole batch.) Sums of whole numbers are exact; what is lost is lost in the rounding.
 */

import { nodesBefore } from '../order.ts';
import { isBatch } from '../shape.ts';
import type { Tensor } from '../tensor.ts';
import type { Emitter } from './emit.ts';
import { TensorProto_DataType } from './generated/onnx_pb.ts';

/** Weights [in, out] as whole numbers between -127 and 127, times a scale for each column. */
export interface Int8Weights {
  int8: Int8Array;
  /** [out] */
  scales: Float32Array;
}

/** Rounds weights [in, columns] to eight bits; the largest of a column becomes 127 or -127. */
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

/** Inputs that may be stored in eight bits: matrices of at least `least` numbers that rows are multiplied with, and nothing else. */
export function int8Candidates(outputs: Record<string, Tensor>, least: number): string[] {
  const readers = new Map<Tensor<'input'>, boolean>();
  for (const node of nodesBefore(...Object.values(outputs)))
    for (const [place, input] of node.inputs.entries()) {
      if (input.op !== 'input') continue;
      const weights = input as Tensor<'input'>;
      readers.set(weights, (readers.get(weights) ?? true) && place === 1 && isPlainProduct(node));
    }
  return [...readers]
    .filter(([{ shape }, fits]) => fits && shape.reduce<number>((count, size) => count * (size as number), 1) >= least)
    .map(([{ attributes }]) => attributes.name);
}

function isPlainProduct(node: Tensor): boolean {
  if (node.op !== 'matmul') return false;
  const [rows, weights] = node.inputs;
  const { transposeA, transposeB } = (node as Tensor<'matmul'>).attributes;
  const ofRows = rows.shape.length === 2 && isBatch(rows.shape[0]);
  return ofRows && weights.shape.length === 2 && !weights.shape.some(isBatch) && !transposeA && !transposeB;
}

/**
 * Rows [B, in], by name, times weights that are stored as `weights` and `scales`. Rows that are nowhere negative use all of the
 * 256 steps, others 127 on each side of 128.
 */
export function int8Product(
  emitter: Emitter,
  rows: string,
  { weights, scales, nonNegative }: { weights: string; scales: string; nonNegative: boolean },
): string {
  const steps = nonNegative ? 255 : 127;
  const zero = nonNegative ? 0 : 128;
  const largest = emitter.add('ReduceMax', [nonNegative ? rows : emitter.add('Abs', [rows])], {
    axes: [1],
    keepdims: 1,
  });
  const scale = emitter.add('Mul', [emitter.add('Max', [largest, emitter.float(1e-20)]), emitter.float(1 / steps)]); // [B,1]
  const rounded = emitter.add('Round', [emitter.add('Div', [rows, scale])]);
  const lifted = zero === 0 ? rounded : emitter.add('Add', [rounded, emitter.float(zero)]);
  const whole = emitter.add('Cast', [lifted], { to: TensorProto_DataType.UINT8 });
  const sums = emitter.add('MatMulInteger', [whole, weights, emitter.uint8(zero)]); // int32 [B,out]
  const product = emitter.add('Cast', [sums], { to: TensorProto_DataType.FLOAT });
  return emitter.add('Mul', [emitter.add('Mul', [product, scale]), scales]);
}
