import { describe, expect, it } from 'vitest';
import { add, compile, Graph, matmul } from '../../../src/graph/index.ts';
import { idleRows, withIdleRows } from '../../../src/train/step/idle-rows.ts';
import { stepOn } from './tiny.ts';

const product = (inner: number, columns: number, rows = false) => {
  const graph = new Graph();
  const result = matmul(graph.input('x', ['B', inner]), graph.input('w', [inner, columns])); // [B,columns]
  return compile({ result, ...(rows && { more: add(graph.input('rows', []), 1) }) });
};

const largest = (numbers: number[]): number => numbers.reduce((most, value) => Math.max(most, Math.abs(value)), 0);

describe('idle rows', () => {
  it('are added to whole multiples of 4,096 rows, for large products alone', () => {
    const large = product(512, 512);
    expect([4096, 8192].map((size) => idleRows(large, size))).toEqual([16, 16]);
    expect([0, 1, 2048, 4095, 4112, 6144].map((size) => idleRows(large, size))).toEqual([0, 0, 0, 0, 0, 0]);
    expect(idleRows(product(512, 256), 4096)).toBe(0);
  });

  it('are not added where a graph counts its rows', () => {
    expect(idleRows(product(512, 512, true), 4096)).toBe(0);
  });

  it('repeat the first rows without labels and weight', () => {
    const batch = {
      size: 3,
      ids: Int32Array.of(1, 2, 3, 4, 5, 6),
      sequences: Int32Array.of(7, 8, 9),
      scenario: Int32Array.of(0, 1, 2),
      labels: Float32Array.of(1, 0, 1),
      weight: Float32Array.of(1, 2, 3),
      group: Int32Array.of(4, 5, 6),
      row: Int32Array.of(0, 1, 2),
    };
    const kept = structuredClone(batch);
    expect(withIdleRows(batch, 2)).toEqual({
      size: 5,
      ids: Int32Array.of(1, 2, 3, 4, 5, 6, 1, 2, 3, 4),
      sequences: Int32Array.of(7, 8, 9, 7, 8),
      scenario: Int32Array.of(0, 1, 2, 0, 1),
      labels: Float32Array.of(1, 0, 1, Number.NaN, Number.NaN),
      weight: Float32Array.of(1, 2, 3, 0, 0),
      group: Int32Array.of(4, 5, 6, 4, 5),
      row: Int32Array.of(0, 1, 2, 0, 1),
    });
    expect(batch).toEqual(kept);
    expect(withIdleRows(batch, 0)).toBe(batch);
  });

  it('change nothing that is learnt', async () => {
    // 4,096 rows get idle ones; the same rows and one without labels do not, and mean the same.
    const [size, width] = [4096, 512];
    const wave = (count: number, speed: number) => Array.from({ length: count }, (_, i) => Math.sin(speed * i) / 10);
    const labels = Array.from({ length: size * width }, (_, i) => (i % 7) & 1);
    const problem = {
      kernel: wave(width * width, 0.37),
      table: wave(5 * width, 0.71),
      dimension: width,
      ids: Array.from({ length: size }, (_, i) => i % 5),
      labels,
    };
    const unlabelled = new Array<number>(width).fill(Number.NaN);
    const padded = await stepOn(problem);
    const plain = await stepOn({ ...problem, ids: [...problem.ids, 0], labels: labels.concat(unlabelled) });
    for (const part of ['losses', 'kernel', 'table'] as const) {
      const gap = padded[part].map((value, i) => value - plain[part][i]);
      expect(largest(gap), part).toBeLessThan(2e-6);
    }
    const moved = padded.table.map((value, i) => value - problem.table[i]);
    expect(largest(moved)).toBeGreaterThan(1e-3);
  });
});
