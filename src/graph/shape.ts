/**
 * Types and shapes. Shapes have one symbolic size: the batch. A dimension is a number, `B`, or a multiple of it such as
 * `50B`.
 */
import { error } from '../base/errors/index.ts';

export type ElementType = 'float32' | 'int32' | 'bool';

export type BatchDim = 'B' | `${number}B`;
export type Dim = number | BatchDim;
export type Shape = readonly Dim[];

/** How many times the batch size a dimension is; 0 for a fixed size. */
export const batchMultiple = (dim: Dim): number =>
  typeof dim === 'number' ? 0 : dim === 'B' ? 1 : Number(dim.slice(0, -1));

export const isBatch = (dim: Dim): dim is BatchDim => typeof dim !== 'number';

/** [B, n] */
export const isBatchMatrix = (shape: Shape): boolean => shape.length === 2 && isBatch(shape[0]) && !isBatch(shape[1]);

const batch = (multiple: number): BatchDim => (multiple === 1 ? 'B' : `${multiple}B`);

export const sameShape = (a: Shape, b: Shape): boolean => a.length === b.length && a.every((d, i) => d === b[i]);

export const showShape = (shape: Shape): string => `[${shape.join(',')}]`;

/** Number of elements, in the same notation as a dimension. Two batch dimensions cannot be multiplied. */
export function elements(shape: Shape): Dim {
  let fixed = 1;
  let multiple = 0;
  for (const dim of shape) {
    if (typeof dim === 'number') fixed *= dim;
    else if (multiple === 0) multiple = batchMultiple(dim);
    else
      throw error('GRAPH_SHAPE', { op: 'elements', shapes: showShape(shape), expected: 'at most one batch dimension' });
  }
  return multiple === 0 ? fixed : batch(fixed * multiple);
}

/** Elements of a shape without a batch dimension. */
export function fixedElements(shape: Shape): number {
  const count = elements(shape);
  if (typeof count !== 'number')
    throw error('GRAPH_SHAPE', { op: 'elements', shapes: showShape(shape), expected: 'no batch dimension' });
  return count;
}

/**
 * The common shape of two operands by NumPy's rule: shapes are aligned at the end, size 1 stretches. Throws
 * GRAPH_SHAPE.
 */
export function broadcast(op: string, a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  const result: Dim[] = [];
  for (let i = 0; i < rank; i++) {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1)
      throw error('GRAPH_SHAPE', {
        op,
        shapes: `${showShape(a)} and ${showShape(b)}`,
        expected: 'equal sizes, or 1, in each place',
      });
    result.push(x === 1 ? y : x);
  }
  return result;
}

/** A shape for ONNX' Reshape: the batch dimension is -1, whatever its multiple. */
export const reshapeDims = (shape: Shape): number[] => shape.map((dim) => (isBatch(dim) ? -1 : dim));

/** The sizes of a shape at a batch size. */
export const resolve = (shape: Shape, size: number): number[] =>
  shape.map((dim) => (typeof dim === 'number' ? dim : batchMultiple(dim) * size));
