/**
 * Computes ops on numbers, in float64: for constants and weights. Results are rounded once at the end, where ONNX
 * Runtime would round after every op.
 */
import type { Attributes, OpName } from '../../ops/attributes.ts';
import { type At, indexOf, type Numbers, read, size, strides } from './numbers.ts';
import { NUMBER_AT } from './places.ts';
import { SCALAR } from './scalar.ts';

/** The numbers of a node of the given shape, row-major; undefined for ops without a rule. */
export function compute<K extends OpName>(
  op: K,
  attributes: Attributes[K],
  inputs: readonly Numbers[],
  shape: readonly number[],
): Float64Array | undefined {
  if (op === 'matmul') return matrixProduct(attributes as Attributes['matmul'], inputs, shape);
  const numberAt = ruleFor(op, attributes, inputs);
  if (numberAt === undefined) return undefined;
  const values = new Float64Array(size(shape));
  const at = shape.map(() => 0);
  for (let index = 0; index < values.length; index++) {
    values[index] = numberAt(at);
    for (let axis = shape.length - 1; axis >= 0 && ++at[axis] === shape[axis]; axis--) at[axis] = 0;
  }
  return values;
}

/** The number at a place of the result. */
function ruleFor(op: OpName, attributes: object, inputs: readonly Numbers[]): ((at: At) => number) | undefined {
  const scalar = SCALAR[op];
  if (scalar !== undefined) return (at) => scalar(...inputs.map((input) => read(input, at)));
  const rule = NUMBER_AT[op] as ((attributes: object, inputs: readonly Numbers[]) => (at: At) => number) | undefined;
  return rule?.(attributes, inputs);
}

/** Products of the last two axes; earlier ones are broadcast. */
function matrixProduct(
  { transposeA, transposeB }: Attributes['matmul'],
  [a, b]: readonly Numbers[],
  shape: readonly number[],
): Float64Array {
  const [rows, columns] = shape.slice(-2);
  const inner = a.shape.at(transposeA ? -2 : -1) as number;
  const [rowA, innerA] = transposeA ? [1, rows] : [inner, 1];
  const [innerB, columnB] = transposeB ? [1, inner] : [columns, 1];
  const values = new Float64Array(size(shape));
  const stack = shape.slice(0, -2);
  const steps = strides(stack);
  for (let member = 0; member < size(stack); member++) {
    const place = stack.map((length, axis) => Math.floor(member / steps[axis]) % length);
    const fromA = indexOf(a.shape.slice(0, -2), place) * rows * inner;
    const fromB = indexOf(b.shape.slice(0, -2), place) * inner * columns;
    for (let row = 0; row < rows; row++)
      for (let k = 0; k < inner; k++) {
        const factor = a.data[fromA + row * rowA + k * innerA];
        const into = (member * rows + row) * columns;
        for (let column = 0; column < columns; column++)
          values[into + column] += factor * b.data[fromB + k * innerB + column * columnB];
      }
  }
  return values;
}
