// Norms and masks of flat vectors.
import { FLOAT, ZERO } from './lanes';

/** float64; element i is added to partial sum i mod 4. */
export function sumOfSquares(vector: usize, length: u32): f64 {
  let low = f64x2.splat(0);
  let high = f64x2.splat(0);
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) {
    const four = v128.load(vector + i * FLOAT);
    const two = f64x2.promote_low_f32x4(four);
    const other = f64x2.promote_low_f32x4(v128.shuffle<i64>(four, four, 1, 0));
    low = f64x2.add(low, f64x2.mul(two, two));
    high = f64x2.add(high, f64x2.mul(other, other));
  }
  const pairs = f64x2.add(low, high);
  let sum = f64x2.extract_lane(pairs, 0) + f64x2.extract_lane(pairs, 1);
  for (; i < length; i++) {
    const x = <f64>load<f32>(vector + i * FLOAT);
    sum += x * x;
  }
  return sum;
}

export function largest(vector: usize, length: u32): f32 {
  let most = ZERO;
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) most = f32x4.max(most, f32x4.abs(v128.load(vector + i * FLOAT)));
  for (; i < length; i++) most = f32x4.max(most, f32x4.abs(f32x4.splat(load<f32>(vector + i * FLOAT))));
  const a = max(f32x4.extract_lane(most, 0), f32x4.extract_lane(most, 1));
  return max(a, max(f32x4.extract_lane(most, 2), f32x4.extract_lane(most, 3)));
}

/** Element i is `value` where hash(i) < threshold (unsigned), else 0. */
export function dropoutMask(out: usize, length: u32, threshold: u32, value: f32, key0: u32, key1: u32): void {
  const thresholds = i32x4.splat(threshold), values = f32x4.splat(value);
  const key0s = i32x4.splat(key0), key1s = i32x4.splat(key1);
  let index = i32x4(0, 1, 2, 3);
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4, index = i32x4.add(index, i32x4.splat(4))) {
    v128.store(out + i * FLOAT, v128.and(values, i32x4.lt_u(hash(index, key0s, key1s), thresholds)));
  }
  const rest = v128.and(values, i32x4.lt_u(hash(index, key0s, key1s), thresholds));
  if (i < length) v128.store_lane<f32>(out + i * FLOAT, rest, 0);
  if (i + 1 < length) v128.store_lane<f32>(out + (i + 1) * FLOAT, rest, 1);
  if (i + 2 < length) v128.store_lane<f32>(out + (i + 2) * FLOAT, rest, 2);
}

// A keyed 32-bit mix; constants of lowbias32 (https://nullprogram.com/blog/2018/07/31/), the second key between its
// rounds.
// @ts-ignore: decorator
@inline
function hash(index: v128, key0: v128, key1: v128): v128 {
  let x = v128.xor(i32x4.mul(index, i32x4.splat(0x9e3779b9)), key0);
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 16)), i32x4.splat(0x7feb352d));
  x = i32x4.add(x, key1);
  x = i32x4.mul(v128.xor(x, i32x4.shr_u(x, 15)), i32x4.splat(0x846ca68b));
  return v128.xor(x, i32x4.shr_u(x, 16));
}
