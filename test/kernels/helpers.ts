import { random } from '../../src/base/random.ts';
import { type Arena, type FieldLayout, loadKernels, type Region } from '../../src/kernels/index.ts';

export const both = [await loadKernels('wasm'), await loadKernels('plain')];

/** Kernel sets under their names, for `describe.each`. */
export const named = both.map((kernels) => ({ name: kernels.name, kernels }));

export const floats = (arena: Arena, values: ArrayLike<number>): Region => {
  const region = arena.floats(values.length);
  region.view.set(values);
  return region;
};

export const ints = (arena: Arena, values: ArrayLike<number>): Region<Int32Array> => {
  const region = arena.ints(values.length);
  region.view.set(values);
  return region;
};

export const normals = (length: number, ...key: (string | number)[]): Float32Array => {
  const generator = random(...key);
  return Float32Array.from({ length }, generator.normal);
};

/** The bits of float32 values: tells 0 from -0, and one NaN from another. */
export const bits = (values: Float32Array): Uint32Array => new Uint32Array(values.slice().buffer);

/** Fields one after another. */
export function layoutOf(fields: { slots: number; pooling?: 'mean' | 'sum'; padding?: number }[]): FieldLayout[] {
  let slot = 0;
  return fields.map(({ slots, pooling = 'mean', padding = -1 }) => {
    const field = { slot, slots, pooling, padding };
    slot += slots;
    return field;
  });
}
