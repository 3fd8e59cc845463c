/** Arrays of numbers in row-major order, and places in them. */

export interface Numbers {
  shape: readonly number[];
  data: ArrayLike<number>;
}

/** A place in an array: an index on each axis. */
export type At = readonly number[];

/** How many numbers an array of a shape has. */
export const size = (shape: readonly number[]): number => shape.reduce((product, n) => product * n, 1);

/** For each axis, how many numbers lie between neighbours along it. */
export const strides = (shape: readonly number[]): number[] => shape.map((_, axis) => size(shape.slice(axis + 1)));

/** The number at a place; a narrower operand is stretched to it (aligned at the end, size 1 repeats). */
export const read = ({ shape, data }: Numbers, at: At): number => data[indexOf(shape, at)];

export function indexOf(shape: readonly number[], at: At): number {
  const skipped = at.length - shape.length;
  let index = 0;
  for (let axis = 0; axis < shape.length; axis++)
    index = index * shape[axis] + (shape[axis] === 1 ? 0 : at[axis + skipped]);
  return index;
}

/** A place moved along an axis. */
export const moved = (at: At, axis: number, by: number): number[] =>
  at.map((place, i) => (i === axis ? place + by : place));
