import { describe, expect, test } from 'vitest';
import { formatTimings, runTrainBench } from '../../src/bench/index.ts';

const TINY = {
  model: 'autoifs',
  vocabulary: [200],
  steps: 3,
  batch: 64,
  fields: 3,
  threads: 1,
  set: ['model.mlpDims=[16,8,4]', 'model.embeddingDim=4'],
};

describe('training steps', () => {
  test.each(['lazy', 'dense'] as const)('%s tables: both phases, and numbers that fit together', async (tables) => {
    const timings = await runTrainBench({ ...TINY, tables });
    expect(timings.map(({ phase }) => phase)).toEqual(['search', 'retrain']);
    for (const t of timings) {
      expect(t).toMatchObject({ batchSize: 64, fields: 3, tableRows: 200, tableUpdates: tables, steps: 3, threads: 1 });
      expect(t.minMs).toBeGreaterThan(0);
      expect(t.minMs).toBeLessThanOrEqual(t.medianMs);
      expect(t.rowsPerSecond).toBeCloseTo(64_000 / t.medianMs, 6);
      expect(t.gflops).toBeCloseTo((1000 * t.gflop) / t.medianMs, 9);
      expect(t.model).toBe('autoifs');
      expect(t.peakShare).toBeGreaterThan(0);
      expect(t.bestPeakShare).toBeGreaterThan(0);
      const products = (t.operators.Gemm ?? 0) + (t.operators.MatMul ?? 0) + (t.operators.FusedGemm ?? 0);
      expect(t.productShare).toBeCloseTo(products, 12);
      expect(t.productShare).toBeGreaterThan(0);
      expect(Object.values(t.operators).reduce((sum, share) => sum + share, 0)).toBeCloseTo(1, 12);
      expect(t.peakMemoryBytes).toBeGreaterThan(50e6);
      for (const part of Object.values(t.parts)) expect(part).toBeGreaterThan(0);
      expect(t.ofFirst).toBeGreaterThan(0);
    }
    expect(timings[0].ofFirst).toBe(1);
    expect(timings[1].gflop).toBeLessThan(timings[0].gflop);
    expect(formatTimings(timings)).toMatch(
      /^batch 64, 3 fields, 200 embedding rows[\s\S]*\nautoifs search +\d[\s\S]*\nautoifs retrain +\d[\s\S]*a step of autoifs retrain takes \d\.\d\d of one of autoifs search$/,
    );
  });

  test('a model that reads sequences is given some', async () => {
    const set = ['model.embeddingDim=4'];
    const timings = await runTrainBench({ ...TINY, model: 'dtrn', batch: 8, vocabulary: [40], steps: 1, set });
    expect(timings.map(({ phase }) => phase)).toEqual(['train']);
  });

  test('tables of several sizes, side by side', async () => {
    const timings = await runTrainBench({ ...TINY, vocabulary: [200, 300, 200], phase: 'search' });
    expect(timings.map(({ tableRows, steps }) => [tableRows, steps])).toEqual([
      [200, 3],
      [300, 3],
    ]);
    expect(formatTimings(timings)).toMatch(
      /200 and 300 embedding rows[\s\S]*\nautoifs search 300 +\d[\s\S]*a step of autoifs search 300 takes \d+\.\d\d of one of autoifs search 200$/,
    );
  });

  test('one phase', async () => {
    expect((await runTrainBench({ ...TINY, phase: 'retrain' })).map(({ phase }) => phase)).toEqual(['retrain']);
  });
});
