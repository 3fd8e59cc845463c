// Rows of floats, shared by all kernels.
//
// Kernels work on four floats at a time (`whole`), then on the rest of a row one by one. `whole` is a constant at every
// call, so the choice costs nothing and every formula is written once.

export const FLOAT: usize = 4;
export const ZERO: v128 = i32x4(0, 0, 0, 0);

// @ts-ignore: decorator
@inline
export function read(at: usize, whole: bool): v128 {
  return whole ? v128.load(at) : v128.load32_zero(at);
}

// @ts-ignore: decorator
@inline
export function write(at: usize, value: v128, whole: bool): void {
  if (whole) v128.store(at, value);
  else v128.store_lane<f32>(at, value, 0);
}

// @ts-ignore: decorator
@inline
export function copyRow(from: usize, to: usize, dimension: u32): void {
  let d: u32 = 0;
  for (; d + 4 <= dimension; d += 4) v128.store(to + d * FLOAT, v128.load(from + d * FLOAT));
  for (; d < dimension; d++) store<f32>(to + d * FLOAT, load<f32>(from + d * FLOAT));
}

// @ts-ignore: decorator
@inline
export function zeroRow(at: usize, dimension: u32): void {
  let d: u32 = 0;
  for (; d + 4 <= dimension; d += 4) v128.store(at + d * FLOAT, ZERO);
  for (; d < dimension; d++) store<f32>(at + d * FLOAT, 0);
}

// Reads one value of each row in `ids`, so that the cache fetches the rows in parallel (saves a quarter to a third of
// the time of gather, scatterUnique and adamRows on a table of 1M rows).
// @ts-ignore: decorator
@inline
export function touchRows(ids: usize, count: u32, table: usize, tableRows: u32, rowBytes: usize): void {
  for (let i: u32 = 0; i < count; i++) {
    const id = load<u32>(ids + i * FLOAT);
    if (id < tableRows) load<u32>(table + id * rowBytes);
  }
}
