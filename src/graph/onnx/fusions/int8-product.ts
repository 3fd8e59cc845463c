/**
 * Rows times weights that are stored in eight bits. Each row is rounded to whole numbers with a scale of its own, so
 * that its answer does not depend on the other rows. (Dynamic quantisation as ONNX defines it takes one scale for a
 * whole batch.) Sums of whole numbers are exact: only the rounding loses anything.
 */
import type { Lowering, ValueName } from '../../ops/lowering.ts';
import type { Tensor } from '../../tensor.ts';
import type { Fusion } from './fusion.ts';

export const INT8_PRODUCT: Fusion = {
  name: 'product in eight bits',
  match: (node, facts) => {
    if (node.op !== 'matmul') return undefined;
    const [rows, weights] = node.inputs;
    if (rows.shape.length !== 2 || weights.shape.length !== 2 || !facts.isInt8(weights)) return undefined;
    return (lowering) => int8Product(lowering, rows, weights);
  },
};

/** The scales of weights that are stored in eight bits, by the name of the weights. */
export const scalesOf = (weights: string): ValueName => `${weights}.scales`;

/** Rows that are nowhere negative use all of the 256 steps, others 127 on each side of 128. */
function int8Product({ build, storage }: Lowering, rows: Tensor, weights: Tensor<'input'>): ValueName {
  const nonNegative = rows.op === 'relu' || rows.op === 'sigmoid';
  const steps = nonNegative ? 255 : 127;
  const zero = nonNegative ? 0 : 128;
  const x = storage.plain(rows); // [B,in]
  const largest = build.add('ReduceMax', [nonNegative ? x : build.add('Abs', [x])], { axes: [1], keepdims: 1 });
  const scale = build.add('Mul', [build.add('Max', [largest, build.float(1e-20)]), build.float(1 / steps)]); // [B,1]
  const rounded = build.add('Round', [build.add('Div', [x, scale])]);
  const whole = build.cast(zero === 0 ? rounded : build.add('Add', [rounded, build.float(zero)]), 'uint8');
  const sums = build.add('MatMulInteger', [whole, storage.plain(weights), build.uint8(zero)]); // int32 [B,out]
  const product = build.cast(sums, 'float32');
  return build.add('Mul', [build.add('Mul', [product, scale]), scalesOf(weights.attributes.name)]);
}
