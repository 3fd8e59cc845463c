import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { bits, floats, ints, layoutOf, named, normals } from './helpers.ts';

const PADDING = 0;

describe.each(named)('$name', ({ kernels }) => {
  test('gather copies, averages and sums rows; padding counts for nothing and a field without values is zero', () => {
    const arena = kernels.createArena(1 << 16);
    const fields = layoutOf([
      { slots: 1 },
      { slots: 3, pooling: 'mean', padding: PADDING },
      { slots: 2, pooling: 'sum', padding: PADDING },
    ]);
    const table = floats(arena, [100, -100, 1, 2, 3, 5, 8, 13]); // [4, 2]
    const ids = ints(arena, [
      ...[0, 1, PADDING, 2, 3, 3],
      ...[3, PADDING, PADDING, PADDING, PADDING, 1],
      ...[1, 2, 2, 3, PADDING, PADDING],
    ]);
    const out = floats(arena, new Float32Array(18).fill(7));
    kernels.gather({ ids, rows: 3, slots: 6, fields, table, dimension: 2, out });
    expect([...out.view]).toEqual([
      ...[100, -100, 2, 3.5, 16, 26],
      ...[8, 13, 0, 0, 1, 2],
      ...[1, 2, Math.fround(14 / 3), Math.fround(23 / 3), 0, 0],
    ]);
  });

  test('scatterUnique sums gradients of equal rows, a mean field sharing them among its values', () => {
    const arena = kernels.createArena(1 << 16);
    const fields = layoutOf([{ slots: 1 }, { slots: 2, pooling: 'mean', padding: PADDING }]);
    const ids = ints(arena, [3, 3, 1, 1, PADDING, 3, 2, PADDING, PADDING]);
    const gradient = floats(arena, [1, 2, 10, 20, 3, 4, 30, 40, 5, 6, 50, 60]); // [3, 2 fields * 2]
    const stamps = arena.ints(4);
    const unique = arena.ints(9);
    const summed = arena.floats(18);
    const count = kernels.scatterUnique({
      ids,
      rows: 3,
      slots: 3,
      fields,
      gradient,
      dimension: 2,
      stamps,
      unique,
      summed,
    });
    expect([...unique.view.subarray(0, count)]).toEqual([3, 1, 2]);
    expect([...summed.view.subarray(0, 6)]).toEqual([1 + 5 + 30, 2 + 10 + 40, 5 + 3, 10 + 4, 5, 6]);
    expect([...stamps.view]).toEqual([0, 0, 0, 0]);
  });

  test('scatterUnique agrees with a Map of float64 sums (relative error 1e-5: float32 sums of up to 300 terms)', () => {
    const rows = 50;
    const fields = layoutOf([
      { slots: 2, padding: PADDING },
      { slots: 1 },
      { slots: 3, pooling: 'sum', padding: PADDING },
    ]);
    fc.assert(
      fc.property(fc.integer(), fc.integer({ min: 1, max: 40 }), (seed, tableRows) => {
        const arena = kernels.createArena(1 << 17);
        const dimension = 5;
        const generator = random('ids', seed);
        const ids = ints(
          arena,
          Array.from({ length: rows * 6 }, () => generator.below(tableRows)),
        );
        const gradient = floats(arena, normals(rows * 3 * dimension, seed));
        const stamps = arena.ints(tableRows);
        const unique = arena.ints(rows * 6);
        const summed = arena.floats(rows * 6 * dimension);
        const count = kernels.scatterUnique({
          ids,
          rows,
          slots: 6,
          fields,
          gradient,
          dimension,
          stamps,
          unique,
          summed,
        });

        const sums = new Map<number, { sum: number[]; size: number[] }>();
        for (let row = 0; row < rows; row++) {
          fields.forEach(({ slot, slots, pooling, padding }, f) => {
            const values = [...ids.view.subarray(row * 6 + slot, row * 6 + slot + slots)].filter(
              (id) => id !== padding,
            );
            for (const id of values) {
              const held = sums.get(id) ?? { sum: Array(dimension).fill(0), size: Array(dimension).fill(0) };
              sums.set(id, held);
              for (let d = 0; d < dimension; d++) {
                const g = gradient.view[(row * 3 + f) * dimension + d] / (pooling === 'mean' ? values.length : 1);
                held.sum[d] += g;
                held.size[d] += Math.abs(g);
              }
            }
          });
        }
        expect([...unique.view.subarray(0, count)]).toEqual([...sums.keys()]); // both in order of first use
        [...sums.values()].forEach(({ sum, size }, u) => {
          for (let d = 0; d < dimension; d++) {
            expect(Math.abs(summed.view[u * dimension + d] - sum[d])).toBeLessThanOrEqual(1e-5 * size[d]);
          }
        });
        expect(stamps.view.every((stamp) => stamp === 0)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  test('scatterUnique goes on from known rows: two calls give the bits of one over all rows', () => {
    const worlds = fc.record({
      seed: fc.integer(),
      first: fc.nat(6),
      second: fc.nat(6),
      tableRows: fc.integer({ min: 1, max: 9 }),
    });
    fc.assert(
      fc.property(worlds, ({ seed, first, second, tableRows }) => {
        const arena = kernels.createArena(1 << 16);
        const fields = layoutOf([
          { slots: 2, padding: PADDING },
          { slots: 1, padding: PADDING },
        ]);
        const dimension = 5;
        const generator = random('ids', seed);
        const rows = first + second;
        const all = Array.from({ length: rows * 3 }, () => generator.below(tableRows));
        const slopes = normals(rows * 2 * dimension, seed);
        const scratch = () => ({
          stamps: arena.ints(tableRows),
          unique: arena.ints(tableRows),
          summed: arena.floats(tableRows * dimension),
        });
        const scatter = (from: number, to: number, into: ReturnType<typeof scratch>, known?: number) =>
          kernels.scatterUnique({
            ids: ints(arena, all.slice(from * 3, to * 3)),
            gradient: floats(arena, slopes.subarray(from * 2 * dimension, to * 2 * dimension)),
            rows: to - from,
            slots: 3,
            fields,
            dimension,
            ...into,
            known,
          });
        const [once, twice] = [scratch(), scratch()];
        const count = scatter(0, rows, once);
        expect(scatter(first, rows, twice, scatter(0, first, twice))).toBe(count);
        expect(twice.unique.view).toEqual(once.unique.view);
        expect(bits(twice.summed.view)).toEqual(bits(once.summed.view));
        expect(twice.stamps.view.every((stamp) => stamp === 0)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });

  test('rows that a step does not name keep every bit, of the table and of both moments', () => {
    const arena = kernels.createArena(1 << 16);
    const dimension = 6;
    const [table, first] = [1, 2].map((k) => floats(arena, normals(10 * dimension, k)));
    const second = floats(arena, normals(10 * dimension, 3).map(Math.abs));
    const unique = ints(arena, [7, 2]);
    const summed = floats(arena, normals(2 * dimension, 4));
    const regions = [table, first, second];
    const before = regions.map((region) => bits(region.view));
    kernels.adamRows({ table, first, second, dimension, unique, count: 2, summed }, { ...adam, step: 5 });
    regions.forEach((region, k) => {
      const changed = bits(region.view).map((b, i) => (b === before[k][i] ? 0 : 1));
      const rows = Array.from({ length: 10 }, (_, r) =>
        changed.subarray(r * dimension, (r + 1) * dimension).includes(1),
      );
      expect(rows.flatMap((is, r) => (is ? [r] : []))).toEqual([2, 7]);
    });
  });

  test('lazy rows and dense Adam are the same bits where every row is touched in every step', () => {
    const arena = kernels.createArena(1 << 16);
    const [dimension, rows] = [6, 9];
    const size = rows * dimension;
    const [lazy, dense] = [0, 1].map(() => ({
      parameter: floats(arena, normals(size, 'table')),
      first: arena.floats(size),
      second: arena.floats(size),
    }));
    const unique = ints(arena, [4, 0, 8, 2, 6, 1, 7, 3, 5]);
    const spread = arena.floats(size);
    for (let step = 1; step <= 3; step++) {
      const summed = floats(arena, normals(size, 'gradient', step));
      kernels.adamRows({ ...lazy, table: lazy.parameter, dimension, unique, count: rows, summed }, { ...adam, step });
      kernels.spreadRows({ unique, count: rows, summed, dimension, dense: spread });
      kernels.adam({ ...dense, gradient: spread, from: 0, to: size }, { ...adam, step });
      kernels.clearRows({ unique, count: rows, dimension, dense: spread });
      expect(spread.view.every((x) => x === 0)).toBe(true);
    }
    for (const name of ['parameter', 'first', 'second'] as const) {
      expect(bits(lazy[name].view)).toEqual(bits(dense[name].view));
    }
  });

  test('Adam on a table is, bit for bit, Adam on its spread gradient', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.uniqueArray(fc.integer({ min: 0, max: 19 }), { maxLength: 20 }),
        fc.integer(),
        (dimension, named, seed) => {
          const arena = kernels.createArena(1 << 16);
          const size = 20 * dimension;
          const [whole, spread] = [0, 1].map(() => ({
            parameter: floats(arena, normals(size, 'table', seed)),
            first: floats(arena, normals(size, 'first', seed)),
            second: floats(arena, normals(size, 'second', seed).map(Math.abs)),
          }));
          const [stamps, unique] = [arena.ints(20), ints(arena, named)];
          const gradient = arena.floats(size);
          const summed = floats(arena, normals(named.length * dimension, 'gradient', seed));
          const rows = { unique, count: named.length, summed, dimension };
          for (const step of [1, 2]) {
            kernels.adamTable({ ...whole, table: whole.parameter, stamps, ...rows }, { ...adam, step });
            kernels.spreadRows({ ...rows, dense: gradient });
            kernels.adam({ ...spread, gradient, from: 0, to: size }, { ...adam, step });
          }
          for (const name of ['parameter', 'first', 'second'] as const)
            expect(bits(whole[name].view)).toEqual(bits(spread[name].view));
          expect(stamps.view.every((stamp) => stamp === 0)).toBe(true);
        },
      ),
      { numRuns: 60 },
    );
  });

  const places = [-3, 4, 2 ** 31 - 1].flatMap((id) => [
    { id, fields: layoutOf([{ slots: 2, padding: PADDING }]) },
    { id, fields: layoutOf([{ slots: 1 }, { slots: 1 }]) },
  ]);
  test.each(places)('an id outside the table is refused, with stamps back at zero: $id', ({ id, fields }) => {
    const arena = kernels.createArena(1 << 16);
    const ids = ints(arena, [1, 2, 3, id]);
    const [table, gradient, out, summed] = [8, 8, 8, 8].map((length) => arena.floats(length));
    const stamps = arena.ints(4);
    const shape = { ids, rows: 2, slots: 2, fields, dimension: 2 };
    const message = `id ${id} at position 3 of the ids is not a row of a table of 4 rows`;
    expect(() => kernels.gather({ ...shape, table, out })).toThrow(message);
    expect(() => kernels.scatterUnique({ ...shape, gradient, stamps, unique: arena.ints(4), summed })).toThrow(message);
    expect([...stamps.view]).toEqual([0, 0, 0, 0]);
  });
});

const adam = { learningRate: 0.01, beta1: 0.9, beta2: 0.99, epsilon: 1e-8, l2: 0.01, weightDecay: 0, gradientScale: 1 };
