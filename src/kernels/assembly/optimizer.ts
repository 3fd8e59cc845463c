// Adam and SGD, in place. The caller computes the step's constants in float64 (../steps.ts).
import { FLOAT, read, touchRows, write, ZERO } from './lanes';

// Number of rows whose cache lines are fetched together.
const FETCHED: u32 = 8;

export function adam(parameter: usize, gradient: usize, first: usize, second: usize, length: u32, constants: usize): void {
  adamSpan(parameter, gradient, first, second, length, constants, false);
}

export function adamRows(
  table: usize, first: usize, second: usize, dimension: u32, unique: usize, count: u32, summed: usize, constants: usize,
): void {
  const rowBytes: usize = dimension * FLOAT;
  for (let u: u32 = 0; u < count; u++) {
    if (u % FETCHED == 0) {
      const ahead = min(FETCHED, count - u);
      touchRows(unique + u * FLOAT, ahead, table, u32.MAX_VALUE, rowBytes);
      touchRows(unique + u * FLOAT, ahead, first, u32.MAX_VALUE, rowBytes);
      touchRows(unique + u * FLOAT, ahead, second, u32.MAX_VALUE, rowBytes);
    }
    const row = load<u32>(unique + u * FLOAT) * rowBytes;
    adamSpan(table + row, summed + u * rowBytes, first + row, second + row, dimension, constants, false);
  }
}

// Every row of a table. Rows that are not in `unique` have gradient 0; none is read for them.
export function adamTable(
  table: usize, first: usize, second: usize, dimension: u32, tableRows: u32, stamps: usize,
  unique: usize, count: u32, summed: usize, constants: usize,
): void {
  const rowBytes: usize = dimension * FLOAT;
  for (let u: u32 = 0; u < count; u++) store<u32>(stamps + load<u32>(unique + u * FLOAT) * FLOAT, u + 1);
  let row: u32 = 0;
  while (row < tableRows) {
    const idleFrom = row;
    while (row < tableRows && load<u32>(stamps + row * FLOAT) == 0) row++;
    const from = idleFrom * rowBytes;
    adamSpan(table + from, 0, first + from, second + from, (row - idleFrom) * dimension, constants, true);
    if (row == tableRows) break;
    const at = row * rowBytes;
    const sum = summed + (load<u32>(stamps + row * FLOAT) - 1) * rowBytes;
    adamSpan(table + at, sum, first + at, second + at, dimension, constants, false);
    store<u32>(stamps + row * FLOAT, 0);
    row++;
  }
}

// `constants`: of the step, as ../wasm.ts writes them. `idle`: the gradient is 0 and is not read.
// @ts-ignore: decorator
@inline
function adamSpan(
  parameter: usize, gradient: usize, first: usize, second: usize, length: u32, constants: usize, idle: bool,
): void {
  const scale = v128.load32_splat(constants), l2 = v128.load32_splat(constants, 4), decay = v128.load32_splat(constants, 8);
  const beta1 = v128.load32_splat(constants, 12), gain1 = v128.load32_splat(constants, 16);
  const beta2 = v128.load32_splat(constants, 20), gain2 = v128.load32_splat(constants, 24);
  const rootScale = v128.load32_splat(constants, 28), epsilon = v128.load32_splat(constants, 32);
  const stepSize = v128.load32_splat(constants, 36);
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) {
    const at = i * FLOAT;
    adamLanes(
      parameter + at, idle ? ZERO : read(gradient + at, true), first + at, second + at,
      scale, l2, decay, beta1, gain1, beta2, gain2, rootScale, epsilon, stepSize, true,
    );
  }
  for (; i < length; i++) {
    const at = i * FLOAT;
    adamLanes(
      parameter + at, idle ? ZERO : read(gradient + at, false), first + at, second + at,
      scale, l2, decay, beta1, gain1, beta2, gain2, rootScale, epsilon, stepSize, false,
    );
  }
}

// @ts-ignore: decorator
@inline
function adamLanes(
  parameter: usize, gradient: v128, first: usize, second: usize, scale: v128, l2: v128, decay: v128,
  beta1: v128, gain1: v128, beta2: v128, gain2: v128, rootScale: v128, epsilon: v128, stepSize: v128, whole: bool,
): void {
  const p = read(parameter, whole);
  const g = f32x4.add(f32x4.mul(gradient, scale), f32x4.mul(l2, p));
  const m = f32x4.add(f32x4.mul(beta1, read(first, whole)), f32x4.mul(gain1, g));
  const v = f32x4.add(f32x4.mul(beta2, read(second, whole)), f32x4.mul(f32x4.mul(gain2, g), g));
  const divisor = f32x4.add(f32x4.mul(f32x4.sqrt(v), rootScale), epsilon);
  write(first, m, whole);
  write(second, v, whole);
  write(parameter, f32x4.sub(f32x4.mul(p, decay), f32x4.div(f32x4.mul(stepSize, m), divisor)), whole);
}

export function sgd(parameter: usize, gradient: usize, length: u32, learningRate: f32, l2: f32, scale: f32): void {
  sgdSpan(parameter, gradient, length, f32x4.splat(learningRate), f32x4.splat(l2), f32x4.splat(scale));
}

export function sgdRows(
  table: usize, dimension: u32, unique: usize, count: u32, summed: usize, learningRate: f32, l2: f32, scale: f32,
): void {
  const rowBytes: usize = dimension * FLOAT;
  const learningRates = f32x4.splat(learningRate), l2s = f32x4.splat(l2), scales = f32x4.splat(scale);
  for (let u: u32 = 0; u < count; u++) {
    const row = load<u32>(unique + u * FLOAT) * rowBytes;
    sgdSpan(table + row, summed + u * rowBytes, dimension, learningRates, l2s, scales);
  }
}

// @ts-ignore: decorator
@inline
function sgdSpan(parameter: usize, gradient: usize, length: u32, learningRate: v128, l2: v128, scale: v128): void {
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) sgdLanes(parameter + i * FLOAT, gradient + i * FLOAT, learningRate, l2, scale, true);
  for (; i < length; i++) sgdLanes(parameter + i * FLOAT, gradient + i * FLOAT, learningRate, l2, scale, false);
}

// @ts-ignore: decorator
@inline
function sgdLanes(parameter: usize, gradient: usize, learningRate: v128, l2: v128, scale: v128, whole: bool): void {
  const p = read(parameter, whole);
  const g = f32x4.add(f32x4.mul(read(gradient, whole), scale), f32x4.mul(l2, p));
  write(parameter, f32x4.sub(p, f32x4.mul(learningRate, g)), whole);
}

export function sgdMomentum(
  parameter: usize, gradient: usize, velocity: usize, length: u32, learningRate: f32, momentum: f32, l2: f32, scale: f32,
): void {
  const rates = f32x4.splat(learningRate), momenta = f32x4.splat(momentum), l2s = f32x4.splat(l2), scales = f32x4.splat(scale);
  let i: u32 = 0;
  for (; i + 4 <= length; i += 4) {
    const at = i * FLOAT;
    momentumLanes(parameter + at, gradient + at, velocity + at, rates, momenta, l2s, scales, true);
  }
  for (; i < length; i++) {
    const at = i * FLOAT;
    momentumLanes(parameter + at, gradient + at, velocity + at, rates, momenta, l2s, scales, false);
  }
}

// @ts-ignore: decorator
@inline
function momentumLanes(
  parameter: usize, gradient: usize, velocity: usize, learningRate: v128, momentum: v128, l2: v128, scale: v128, whole: bool,
): void {
  const p = read(parameter, whole);
  const g = f32x4.add(f32x4.mul(read(gradient, whole), scale), f32x4.mul(l2, p));
  const v = f32x4.add(f32x4.mul(momentum, read(velocity, whole)), g);
  write(velocity, v, whole);
  write(parameter, f32x4.sub(p, f32x4.mul(learningRate, v)), whole);
}
