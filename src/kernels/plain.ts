/**
 * The kernels in plain TypeScript: the reference, and the fallback if WebAssembly SIMD is missing. `f` rounds to
 * float32 after every operation, so that the results equal those of the SIMD kernels bit for bit.
 */
import { allocateMemory, arenaOver } from './arena.ts';
import { type FieldLayout, type Kernels, noSuchRow } from './contract.ts';
import { type AdamConstants, adamConstants, maskConstants } from './steps.ts';

const f = Math.fround;

export const plainKernels: Kernels = {
  name: 'plain',

  createArena: (bytes) => allocateMemory(bytes, () => arenaOver(new ArrayBuffer(Math.ceil(bytes / 64) * 64), 0)),

  gather({ ids, rows, slots, fields, table, dimension, out }) {
    let to = 0;
    for (let row = 0; row < rows; row++) {
      for (const field of fields) {
        const used = tableRowsOf(ids.view, row * slots, field, table.view.length / dimension);
        const pooled = out.view.subarray(to, to + dimension);
        pooled.fill(0);
        used.forEach((tableRow, i) => {
          const at = tableRow * dimension;
          for (let d = 0; d < dimension; d++) pooled[d] = i === 0 ? table.view[at + d] : pooled[d] + table.view[at + d];
        });
        if (field.pooling === 'mean' && used.length > 1) {
          for (let d = 0; d < dimension; d++) pooled[d] /= used.length;
        }
        to += dimension;
      }
    }
  },

  scatterUnique({ ids, rows, slots, fields, gradient, dimension, stamps, unique, summed, known = 0 }) {
    let count = known;
    let from = 0;
    for (let u = 0; u < known; u++) stamps.view[unique.view[u]] = u + 1;
    try {
      for (let row = 0; row < rows; row++) {
        for (const field of fields) {
          const used = tableRowsOf(ids.view, row * slots, field, stamps.view.length);
          const divisor = field.pooling === 'mean' ? used.length : 1;
          for (const tableRow of used) {
            const isNew = stamps.view[tableRow] === 0;
            if (isNew) {
              unique.view[count] = tableRow;
              stamps.view[tableRow] = ++count;
            }
            const to = (stamps.view[tableRow] - 1) * dimension;
            for (let d = 0; d < dimension; d++) {
              const share = f(gradient.view[from + d] / divisor);
              summed.view[to + d] = isNew ? share : summed.view[to + d] + share;
            }
          }
          from += dimension;
        }
      }
    } finally {
      for (let u = 0; u < count; u++) stamps.view[unique.view[u]] = 0;
    }
    return count;
  },

  adamRows({ table, first, second, dimension, unique, count, summed }, step) {
    const constants = adamConstants(step);
    for (let u = 0; u < count; u++) {
      const row = unique.view[u] * dimension;
      for (let d = 0; d < dimension; d++) {
        adamElement(table.view, summed.view[u * dimension + d], first.view, second.view, row + d, constants);
      }
    }
  },

  adamTable({ table, first, second, dimension, stamps, unique, count, summed }, step) {
    const constants = adamConstants(step);
    for (let u = 0; u < count; u++) stamps.view[unique.view[u]] = u + 1;
    for (let i = 0; i < table.view.length; i++) {
      const stamp = stamps.view[Math.floor(i / dimension)];
      const gradient = stamp === 0 ? 0 : summed.view[(stamp - 1) * dimension + (i % dimension)];
      adamElement(table.view, gradient, first.view, second.view, i, constants);
    }
    for (let u = 0; u < count; u++) stamps.view[unique.view[u]] = 0;
  },

  spreadRows({ unique, count, summed, dimension, dense }) {
    for (let u = 0; u < count; u++) {
      dense.view.set(summed.view.subarray(u * dimension, (u + 1) * dimension), unique.view[u] * dimension);
    }
  },

  clearRows({ unique, count, dimension, dense }) {
    for (let u = 0; u < count; u++) dense.view.fill(0, unique.view[u] * dimension, (unique.view[u] + 1) * dimension);
  },

  adam({ parameter, gradient, first, second, from, to }, step) {
    const constants = adamConstants(step);
    for (let i = from; i < to; i++) {
      adamElement(parameter.view, gradient.view[i], first.view, second.view, i, constants);
    }
  },

  sgd({ parameter, gradient, velocity, from, to }, { learningRate, momentum, l2, gradientScale }) {
    const rate = f(learningRate);
    for (let i = from; i < to; i++) {
      const p = parameter.view[i];
      let direction = f(f(gradient.view[i] * f(gradientScale)) + f(f(l2) * p));
      if (velocity !== undefined && momentum > 0) {
        direction = f(f(f(momentum) * velocity.view[i]) + direction);
        velocity.view[i] = direction;
      }
      parameter.view[i] = p - f(rate * direction);
    }
  },

  sgdRows({ table, dimension, unique, count, summed }, { learningRate, l2, gradientScale }) {
    for (let u = 0; u < count; u++) {
      const row = unique.view[u] * dimension;
      for (let d = 0; d < dimension; d++) {
        const p = table.view[row + d];
        const g = f(f(summed.view[u * dimension + d] * f(gradientScale)) + f(f(l2) * p));
        table.view[row + d] = p - f(f(learningRate) * g);
      }
    }
  },

  sumOfSquares(vector, from, to) {
    const four = (to - from) & ~3;
    const partial = [0, 0, 0, 0]; // by index modulo 4, like the lanes of the SIMD kernel
    for (let i = 0; i < four; i++) partial[i & 3] += vector.view[from + i] ** 2;
    let sum = partial[0] + partial[2] + (partial[1] + partial[3]);
    for (let i = from + four; i < to; i++) sum += vector.view[i] ** 2;
    return sum;
  },

  largest(vector, from, to) {
    let max = 0;
    for (let i = from; i < to; i++) max = Math.max(max, Math.abs(vector.view[i]));
    return max;
  },

  dropoutMask(out, length, keep, seed, counter) {
    if (keep >= 1) {
      out.view.fill(1, 0, length);
      return;
    }
    const { key0, key1, threshold, value } = maskConstants(keep, seed, counter);
    for (let i = 0; i < length; i++) out.view[i] = hash(i, key0, key1) < threshold ? value : 0;
  },
};

/** The table rows of a field in one row of ids, without padding. */
function tableRowsOf(ids: Int32Array, rowStart: number, field: FieldLayout, tableRows: number): number[] {
  const used: number[] = [];
  for (let i = rowStart + field.slot; i < rowStart + field.slot + field.slots; i++) {
    if (ids[i] === field.padding) continue;
    if (ids[i] < 0 || ids[i] >= tableRows) throw noSuchRow(ids[i], i, tableRows);
    used.push(ids[i]);
  }
  return used;
}

function adamElement(
  parameter: Float32Array,
  gradient: number,
  first: Float32Array,
  second: Float32Array,
  i: number,
  constants: AdamConstants,
): void {
  const { scale, l2, decay, beta1, gain1, beta2, gain2, rootScale, epsilon, stepSize } = constants;
  const p = parameter[i];
  const g = f(f(gradient * scale) + f(l2 * p));
  const m = f(f(beta1 * first[i]) + f(gain1 * g));
  const v = f(f(beta2 * second[i]) + f(f(gain2 * g) * g));
  const divisor = f(f(f(Math.sqrt(v)) * rootScale) + epsilon);
  first[i] = m;
  second[i] = v;
  parameter[i] = f(p * decay) - f(f(stepSize * m) / divisor);
}

/**
 * A keyed 32-bit mix; constants of lowbias32 (https://nullprogram.com/blog/2018/07/31/), the second key between its
 * rounds.
 */
function hash(index: number, key0: number, key1: number): number {
  let x = Math.imul(index, 0x9e3779b9) ^ key0;
  x = Math.imul(x ^ (x >>> 16), 0x7feb352d);
  x = (x + key1) | 0;
  x = Math.imul(x ^ (x >>> 15), 0x846ca68b);
  return (x ^ (x >>> 16)) >>> 0;
}
