/**
 * The natural logarithm from mantissa and exponent: ln(m 2^e) = ln(m) + e ln(2), with m in [1, 2).
 *
 * Where ln(v)^2 lies on a border between buckets, the last place of the logarithm decides, and libraries differ there.
 * AutoIFS' authors bucket with NumPy, whose vectorised logarithm is not correctly rounded; of the sums tried, this one
 * fell on NumPy's side of a border most often (1,411 of 1,437 doubles at and next to exp(sqrt(k)); NumPy 1.26, AVX-512).
 */
const scratch = new Float64Array(1);
const words = new Int32Array(scratch.buffer);
const HIGH = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1 ? 1 : 0; // little endian: the high word comes second

/** ln(value) for a normal positive number. */
export function naturalLogarithm(value: number): number {
  scratch[0] = value;
  const exponent = (words[HIGH] >>> 20) - 1023;
  words[HIGH] -= exponent << 20;
  return Math.log(scratch[0]) + exponent * Math.LN2;
}
