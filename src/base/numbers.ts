/** Small functions on lists and arrays of numbers. */

/** Numbers that are checked together: their sum shows whether one of them is not finite. */
const BLOCK = 1 << 14;

/** Index of the first number that is not finite, or -1. About a nanosecond per number. */
export function firstNotFinite(numbers: Float32Array): number {
  for (let from = 0; from < numbers.length; from += BLOCK) {
    const to = Math.min(numbers.length, from + BLOCK);
    let zero = 0;
    for (let i = from; i < to; i++) zero += numbers[i] * 0; // NaN where a number is not finite
    if (zero === 0) continue;
    for (let i = from; i < to; i++) if (!Number.isFinite(numbers[i])) return i;
  }
  return -1;
}

/** The bytes of an array of numbers, without a copy. */
export const bytesOf = ({ buffer, byteOffset, byteLength }: ArrayBufferView): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** 0, 1, ... up to but without `n`. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** In the order of the list. */
export function sum(values: ArrayLike<number>): number {
  let total = 0;
  for (let i = 0; i < values.length; i++) total += values[i];
  return total;
}

/** NaN of an empty list. */
export const mean = (values: ArrayLike<number>): number => sum(values) / values.length;
