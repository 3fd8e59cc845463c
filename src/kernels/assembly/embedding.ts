// Rows of embedding tables: gather, sum gradients by row, spread.
import { copyRow, FLOAT, read, touchRows, write, zeroRow } from './lanes';

// A field's layout: four int32 (slot, slots, 1 for mean, padding id).
const LAYOUT_BYTES: usize = 16;
const NONE: i32 = -1;

/** Returns -1, or the position of the first id that is not in the table. */
export function gather(
  ids: usize, rows: u32, slots: u32, layout: usize, fields: u32,
  table: usize, tableRows: u32, dimension: u32, out: usize,
): i32 {
  const rowBytes: usize = dimension * FLOAT;
  for (let row: u32 = 0; row < rows; row++) {
    touchRows(ids + row * slots * FLOAT, slots, table, tableRows, rowBytes);
    for (let f: u32 = 0; f < fields; f++, out += rowBytes) {
      const field = layout + f * LAYOUT_BYTES;
      const first = row * slots + load<u32>(field);
      const length = load<u32>(field, 4);
      const padding = load<i32>(field, 12);
      if (length == 1) {
        const id = load<i32>(ids + first * FLOAT);
        if (id == padding) zeroRow(out, dimension);
        else if (<u32>id < tableRows) copyRow(table + <u32>id * rowBytes, out, dimension);
        else return first;
        continue;
      }
      const values = countValues(ids, first, length, padding, tableRows);
      if (values < 0) return ~values;
      if (values == 0) zeroRow(out, dimension);
      else pool(ids + first * FLOAT, length, padding, table, dimension, load<i32>(field, 8) ? <f32>values : 1, out);
    }
  }
  return NONE;
}

// The number of ids that are not padding; or ~position of the first id that is not in the table.
// @ts-ignore: decorator
@inline
function countValues(ids: usize, first: u32, length: u32, padding: i32, tableRows: u32): i32 {
  let values = 0;
  for (let i = first; i < first + length; i++) {
    const id = load<i32>(ids + i * FLOAT);
    if (id == padding) continue;
    if (<u32>id >= tableRows) return ~i;
    values++;
  }
  return values;
}

function pool(ids: usize, length: u32, padding: i32, table: usize, dimension: u32, divisor: f32, out: usize): void {
  let d: u32 = 0;
  for (; d + 4 <= dimension; d += 4) poolColumns(ids, length, padding, table, dimension, d, divisor, out, true);
  for (; d < dimension; d++) poolColumns(ids, length, padding, table, dimension, d, divisor, out, false);
}

// @ts-ignore: decorator
@inline
function poolColumns(
  ids: usize, length: u32, padding: i32, table: usize, dimension: u32, column: u32, divisor: f32, out: usize, whole: bool,
): void {
  let sum = f32x4.splat(-0.0); // x + -0 is x for every x, including -0
  for (let i: u32 = 0; i < length; i++) {
    const id = load<i32>(ids + i * FLOAT);
    if (id != padding) sum = f32x4.add(sum, read(table + (<u32>id * dimension + column) * FLOAT, whole));
  }
  if (divisor != 1) sum = f32x4.div(sum, f32x4.splat(divisor));
  write(out + column * FLOAT, sum, whole);
}

/** Returns the number of distinct rows, including the `known` ones, or ~position of an id that is not in the table. */
export function scatterUnique(
  ids: usize, rows: u32, slots: u32, layout: usize, fields: u32,
  gradient: usize, dimension: u32, stamps: usize, tableRows: u32, unique: usize, summed: usize, known: u32,
): i32 {
  const rowBytes: usize = dimension * FLOAT;
  let count = known;
  for (let u: u32 = 0; u < known; u++) store<u32>(stamps + load<u32>(unique + u * FLOAT) * FLOAT, u + 1);
  let result = 0;
  for (let row: u32 = 0; row < rows && result == 0; row++) {
    touchRows(ids + row * slots * FLOAT, slots, stamps, tableRows, FLOAT);
    for (let f: u32 = 0; f < fields; f++, gradient += rowBytes) {
      const field = layout + f * LAYOUT_BYTES;
      const first = row * slots + load<u32>(field);
      const length = load<u32>(field, 4);
      const padding = load<i32>(field, 12);
      if (length == 1) {
        const id = load<i32>(ids + first * FLOAT);
        if (id == padding) continue;
        if (<u32>id >= tableRows) {
          result = ~first;
          break;
        }
        count = addUse(id, gradient, 1, dimension, stamps, unique, summed, count);
        continue;
      }
      const values = countValues(ids, first, length, padding, tableRows);
      if (values < 0) {
        result = values;
        break;
      }
      const divisor: f32 = load<i32>(field, 8) ? <f32>values : 1;
      for (let i = first; i < first + length; i++) {
        const id = load<i32>(ids + i * FLOAT);
        if (id != padding) count = addUse(id, gradient, divisor, dimension, stamps, unique, summed, count);
      }
    }
  }
  for (let u: u32 = 0; u < count; u++) store<u32>(stamps + load<u32>(unique + u * FLOAT) * FLOAT, 0);
  return result < 0 ? result : count;
}

// Adds one use of a table row; returns the new number of distinct rows. A stamp holds 1 + the row's index in `unique`.
// @ts-ignore: decorator
@inline
function addUse(
  id: u32, gradient: usize, divisor: f32, dimension: u32, stamps: usize, unique: usize, summed: usize, count: u32,
): u32 {
  const stamp = stamps + id * FLOAT;
  const place = load<u32>(stamp);
  if (place != 0) {
    addRow(gradient, summed + (place - 1) * dimension * FLOAT, dimension, divisor, false);
    return count;
  }
  store<u32>(unique + count * FLOAT, id);
  store<u32>(stamp, count + 1);
  addRow(gradient, summed + count * dimension * FLOAT, dimension, divisor, true);
  return count + 1;
}

// @ts-ignore: decorator
@inline
function addRow(gradient: usize, sum: usize, dimension: u32, divisor: f32, isNew: bool): void {
  let d: u32 = 0;
  for (; d + 4 <= dimension; d += 4) addColumns(gradient + d * FLOAT, sum + d * FLOAT, divisor, isNew, true);
  for (; d < dimension; d++) addColumns(gradient + d * FLOAT, sum + d * FLOAT, divisor, isNew, false);
}

// @ts-ignore: decorator
@inline
function addColumns(gradient: usize, sum: usize, divisor: f32, isNew: bool, whole: bool): void {
  let share = read(gradient, whole);
  if (divisor != 1) share = f32x4.div(share, f32x4.splat(divisor));
  write(sum, isNew ? share : f32x4.add(read(sum, whole), share), whole);
}

export function spreadRows(unique: usize, count: u32, summed: usize, dimension: u32, dense: usize): void {
  const rowBytes: usize = dimension * FLOAT;
  for (let u: u32 = 0; u < count; u++) {
    copyRow(summed + u * rowBytes, dense + load<u32>(unique + u * FLOAT) * rowBytes, dimension);
  }
}

export function clearRows(unique: usize, count: u32, dimension: u32, dense: usize): void {
  const rowBytes: usize = dimension * FLOAT;
  for (let u: u32 = 0; u < count; u++) zeroRow(dense + load<u32>(unique + u * FLOAT) * rowBytes, dimension);
}
