/**
 * Both implementations do the same float32 operations in the same order, so the tolerance is zero: equal bits. Random
 * layouts, dimensions that are no multiples of 4, repeated ids, paddings, several optimiser steps.
 */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import type { FieldLayout, Kernels } from '../../src/kernels/index.ts';
import { bits, both, floats, ints, layoutOf, normals } from './helpers.ts';

const PADDING = 0;

const field = fc.record({
  slots: fc.integer({ min: 1, max: 4 }),
  pooling: fc.constantFrom('mean' as const, 'sum' as const),
  padding: fc.constantFrom(PADDING, -1),
});
const embedding = fc.record({
  fields: fc.array(field, { minLength: 1, maxLength: 5 }).map(layoutOf),
  rows: fc.integer({ min: 0, max: 9 }),
  tableRows: fc.integer({ min: 1, max: 12 }),
  dimension: fc.integer({ min: 1, max: 11 }),
  seed: fc.integer(),
});

test('embedding kernels: wasm and plain give equal bits', () => {
  fc.assert(
    fc.property(embedding, (world) => {
      const [wasm, plain] = both.map((kernels) => trainEmbedding(kernels, world));
      expect(wasm).toEqual(plain);
    }),
    { numRuns: 100 },
  );
});

interface World {
  fields: FieldLayout[];
  rows: number;
  tableRows: number;
  dimension: number;
  seed: number;
}

/** Two steps of every embedding kernel; returns all that they wrote, as bits. */
function trainEmbedding(kernels: Kernels, { fields, rows, tableRows, dimension, seed }: World) {
  const arena = kernels.createArena(1 << 20);
  const slots = fields.reduce((sum, f) => sum + f.slots, 0);
  const generator = random('ids', seed);
  const ids = ints(
    arena,
    Array.from({ length: rows * slots }, () => generator.below(tableRows)),
  );
  const cells = rows * fields.length * dimension;
  const gradient = floats(arena, normals(cells, 'gradient', seed));
  const table = floats(arena, normals(tableRows * dimension, 'table', seed));
  const [first, second, dense] = [0, 1, 2].map(() => arena.floats(tableRows * dimension));
  const out = arena.floats(cells);
  const stamps = arena.ints(tableRows);
  const unique = arena.ints(2 * rows * slots);
  const summed = arena.floats(2 * rows * slots * dimension);
  const shape = { ids, rows, slots, fields, dimension };

  const written = [];
  for (let step = 1; step <= 2; step++) {
    kernels.gather({ ...shape, table, out });
    const once = kernels.scatterUnique({ ...shape, gradient, stamps, unique, summed });
    const count = kernels.scatterUnique({ ...shape, gradient, stamps, unique, summed, known: once });
    kernels.adamRows({ table, first, second, dimension, unique, count, summed }, adamStep(step));
    kernels.sgdRows({ table, dimension, unique, count, summed }, { learningRate: 0.1, l2: 0.01, gradientScale: 0.5 });
    kernels.adamTable({ table, first, second, dimension, stamps, unique, count, summed }, adamStep(step));
    kernels.spreadRows({ unique, count, summed, dimension, dense });
    written.push(count, [...unique.view.subarray(0, count)], [...stamps.view]);
    written.push(...[out, summed, table, first, second, dense].map((region) => bits(region.view)));
    kernels.clearRows({ unique, count, dimension, dense });
    written.push(bits(dense.view));
  }
  return written;
}

const adamStep = (step: number) => ({
  learningRate: 0.01,
  beta1: 0.9,
  beta2: 0.99,
  epsilon: 1e-8,
  l2: 0.003,
  weightDecay: 0.02,
  step,
  gradientScale: 0.7,
});

const span = fc
  .tuple(fc.integer({ min: 0, max: 7 }), fc.integer({ min: 0, max: 40 }))
  .map(([from, length]) => ({ from, to: from + length }));

test('flat kernels: wasm and plain give equal bits, and leave the rest of the vectors alone', () => {
  fc.assert(
    fc.property(span, fc.integer(), fc.constantFrom(0, 0.9), ({ from, to }, seed, momentum) => {
      const [wasm, plain] = both.map((kernels) => {
        const arena = kernels.createArena(1 << 16);
        const length = to + 5;
        const parameter = floats(arena, normals(length, 'parameter', seed));
        const gradient = floats(arena, normals(length, 'gradient', seed));
        const [first, second, velocity] = [0, 1, 2].map(() => arena.floats(length));
        const before = parameter.view.slice();
        for (const step of [1, 2, 3]) {
          kernels.adam({ parameter, gradient, first, second, from, to }, adamStep(step));
          kernels.sgd(
            { parameter, gradient, velocity, from, to },
            { learningRate: 0.05, momentum, l2: 0.01, gradientScale: 0.9 },
          );
        }
        expect(parameter.view.subarray(0, from)).toEqual(before.subarray(0, from));
        expect(parameter.view.subarray(to)).toEqual(before.subarray(to));
        return [
          kernels.sumOfSquares(gradient, from, to),
          kernels.largest(gradient, from, to),
          ...[parameter, first, second, velocity].map((region) => bits(region.view)),
        ];
      });
      expect(wasm).toEqual(plain);
    }),
    { numRuns: 60 },
  );
});

test('dropout masks: wasm and plain give equal bits', () => {
  const keeps = fc.double({ min: 0.01, max: 1, noNaN: true });
  fc.assert(
    fc.property(fc.nat(70), keeps, fc.nat(), fc.maxSafeNat(), (length, keep, seed, counter) => {
      const [wasm, plain] = both.map((kernels) => {
        const out = kernels.createArena(1 << 12).floats(length + 3);
        kernels.dropoutMask(out, length, keep, seed, counter);
        return bits(out.view);
      });
      expect(wasm).toEqual(plain);
    }),
  );
});
