/** The arithmetic of ops that move or combine places: for each op, the number at a place of its result. */
import type { Attributes, OpName } from '../../ops/attributes.ts';
import { type At, moved, type Numbers, read, strides } from './numbers.ts';
import { castTo } from './scalar.ts';

export const NUMBER_AT: {
  readonly [K in OpName]?: (attributes: Attributes[K], inputs: readonly Numbers[]) => (at: At) => number;
} = {
  cast:
    ({ to }, [x]) =>
    (at) =>
      castTo(to, read(x, at)),
  expand:
    (_, [x]) =>
    (at) =>
      read(x, at),
  reshape: ({ shape }, [x]) => {
    const steps = strides(shape as readonly number[]);
    return (at) => x.data[at.reduce((sum, place, axis) => sum + place * steps[axis], 0)];
  },
  transpose: ({ permutation }, [x]) => {
    const from = permutation.map((_, axis) => permutation.indexOf(axis));
    return (at) =>
      read(
        x,
        from.map((axis) => at[axis]),
      );
  },
  slice:
    ({ axis, start }, [x]) =>
    (at) =>
      read(x, moved(at, axis, start)),
  concat:
    ({ axis }, parts) =>
    (at) => {
      let start = 0;
      for (const part of parts) {
        if (at[axis] < start + part.shape[axis]) return read(part, moved(at, axis, -start));
        start += part.shape[axis];
      }
      throw new Error(`no part of the concatenation holds ${at}`);
    },
  gather: (_, [data, indices]) => {
    const rank = indices.shape.length;
    return (at) => read(data, [read(indices, at.slice(0, rank)), ...at.slice(rank)]);
  },
  pad:
    ({ axis, before }, [x]) =>
    (at) => {
      const from = at[axis] - before;
      return from < 0 || from >= x.shape[axis] ? 0 : read(x, moved(at, axis, -before));
    },
  reduceSum:
    ({ axes, keep }, [x]) =>
    (at) => {
      let sum = 0;
      for (const place of reduced(x.shape, axes, keep, at)) sum += read(x, place);
      return sum;
    },
  reduceMax:
    ({ axes, keep }, [x]) =>
    (at) =>
      Math.max(...reduced(x.shape, axes, keep, at).map((place) => read(x, place))),
  softmax:
    ({ axis }, [x]) =>
    (at) => {
      const along = Array.from({ length: x.shape[axis] }, (_, i) => read(x, moved(at, axis, i - at[axis])));
      const largest = Math.max(...along);
      return Math.exp(read(x, at) - largest) / along.reduce((sum, value) => sum + Math.exp(value - largest), 0);
    },
};

/** The places of an operand that a reduction combines into a place of its result. */
function reduced(shape: readonly number[], axes: readonly number[], keep: boolean, at: At): number[][] {
  let next = 0;
  const first = shape.map((_, axis) => {
    if (axes.includes(axis)) {
      if (keep) next++;
      return 0;
    }
    return at[next++];
  });
  return axes.reduce(
    (places, axis) => places.flatMap((place) => Array.from({ length: shape[axis] }, (_, i) => moved(place, axis, i))),
    [first],
  );
}
