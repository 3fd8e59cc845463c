import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test } from 'vitest';
import { TributaryError } from '../../src/base/errors/index.ts';
import { random } from '../../src/base/random.ts';
import { formatDeviceBench, runCommBench, runDeviceBench, runTrainBench, twoCopies } from '../../src/bench/index.ts';
import { drawBodies } from '../../src/bench/serve-requests.ts';
import { largestProduct, openPeak } from '../../src/bench/train/peak.ts';
import { syntheticData } from '../../src/bench/train/synthetic-data.ts';
import { medianOf, quantileRatio } from '../../src/bench/turns.ts';
import { compile, Graph, grad, matmul, multiplyAdds, reduceSum } from '../../src/graph/index.ts';
import { findModel } from '../../src/model/registry.ts';
import { openArtifact } from '../../src/store/artifact/open.ts';
import { trainingGraph } from '../../src/train/step/graph.ts';
import { writeTestArtifact } from '../serve/artifacts.ts';

test('a phase or preset that does not exist', async () => {
  const request = { model: 'autoifs', vocabulary: [200], steps: 1 };
  await expect(runTrainBench({ ...request, phase: 'tune' })).rejects.toThrow(
    /no phase "tune" \(phases: search, retrain\)/,
  );
  await expect(runTrainBench({ ...request, preset: 'huge' })).rejects.toThrow(TributaryError);
});

test('a device is taken, or said to be missing', async () => {
  const request = { model: 'mmoe', vocabulary: [200], steps: 1, threads: 1 };
  await expect(runTrainBench({ ...request, device: 'cuda' })).rejects.toMatchObject({ code: 'DEVICE_UNAVAILABLE' });
  await expect(runDeviceBench({ ...request, device: 'cuda', batches: [8] })).rejects.toMatchObject({
    code: 'DEVICE_UNAVAILABLE',
  });
  const { emptyMs, timings } = await runDeviceBench({ ...request, device: 'cpu', batches: [8, 16] });
  expect(emptyMs).toBeGreaterThan(0);
  expect(timings.map(({ batchSize, device, speed }) => ({ batchSize, device, speed }))).toEqual(
    [8, 16].map((batchSize) => ({ batchSize, device: 'cpu', speed: 1 })),
  );
  // Twice the rows: twice their bytes, and the same parameters.
  const [{ bytesIn, bytesOut }, twice] = timings;
  expect(twice.bytesIn).toBeGreaterThan(bytesIn);
  expect(twice.bytesOut).toBeGreaterThan(bytesOut);
  expect(formatDeviceBench({ emptyMs, timings })).toMatch(/^mmoe train 16 cpu .* 1\.00x$/m);
});

test('ranks are timed over as many calls as one likes', async () => {
  const { ranks, timings } = await runCommBench({ sizes: [4], calls: 200_000 });
  expect(ranks).toBe(1);
  for (const { minMicroseconds, microseconds } of timings) expect(minMicroseconds).toBeLessThanOrEqual(microseconds);
});

test('requests to time leave out what a service looks up', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  writeTestArtifact({ folder });
  const artifact = await openArtifact(folder);
  const namesOf = (leaveOut: string[]): string[][] => {
    const { user, items } = JSON.parse(drawBodies(artifact, 2, 1, leaveOut)[0]);
    return [Object.keys(user), Object.keys(items[1])];
  };
  expect(namesOf([])).toEqual([
    ['user', 'age', 'city'],
    ['id', 'item', 'tags', 'hour'],
  ]);
  expect(namesOf(['age', 'city', 'tags', 'hour'])).toEqual([['user'], ['id', 'item']]);
  expect(() => drawBodies(artifact, 1, 1, ['tag'])).toThrow(
    expect.objectContaining({ code: 'USAGE', message: expect.stringContaining('the nearest is "tags"') }),
  );
});

test('the median of rounds has the interval of the sign test', () => {
  const upTo = (n: number): number[] => Array.from({ length: n }, (_, i) => ((i * 7) % n) + 1);
  expect(medianOf([3])).toEqual({ estimate: 3, low: 3, high: 3 });
  expect(medianOf(upTo(5))).toEqual({ estimate: 3, low: 1, high: 5 });
  expect(medianOf(upTo(6))).toEqual({ estimate: 3.5, low: 1, high: 6 });
  // Tables of the sign test: the second of 9, the sixth of 20, the 19th of 50 have chances below 2.5 %.
  expect(medianOf(upTo(9))).toEqual({ estimate: 5, low: 2, high: 8 });
  expect(medianOf(upTo(20))).toEqual({ estimate: 10.5, low: 6, high: 15 });
  expect(medianOf(upTo(50))).toEqual({ estimate: 25.5, low: 18, high: 33 });
});

describe('the ratio of 99th percentiles over rounds', () => {
  const { uniform } = random('latencies');
  /** Exponential times, longer in some rounds. */
  const drawn = (scale: number): number[][] =>
    Array.from({ length: 100 }, (_, round) =>
      Array.from({ length: 40 }, () => -Math.log(1 - uniform()) * (round % 7 === 0 ? 3 : 1) * scale),
    );
  const quantile = (rounds: number[][]): number => rounds.flat().sort((a, b) => a - b)[3960];

  test('is that of all requests together', () => {
    const [ones, others] = [drawn(1.2), drawn(1)];
    const { estimate, low, high } = quantileRatio(ones, others, 0.99);
    expect(estimate).toBe(quantile(ones) / quantile(others));
    expect(low).toBeLessThan(estimate);
    expect(high).toBeGreaterThan(estimate);
    expect(quantileRatio([[1, 2, 3]], [[6]], 0.99)).toEqual({ estimate: 0.5, low: 0.5, high: 0.5 });
  });

  test('its interval covers the truth about 95 % of the times', () => {
    let covered = 0;
    for (let n = 0; n < 40; n++) {
      const { low, high } = quantileRatio(drawn(1.2), drawn(1), 0.99, 200);
      if (low <= 1.2 && high >= 1.2) covered++;
    }
    expect(covered).toBeGreaterThanOrEqual(34);
    expect(covered).toBeLessThan(40);
  });
});

describe('arithmetic is counted from the graph', () => {
  test('a layer and its gradient for the input, and a product that does not grow with the batch', () => {
    const graph = new Graph();
    const x = graph.input('x', ['B', 3]);
    const [a, b] = [graph.input('a', [3, 2]), graph.input('b', [2, 5])];
    const loss = reduceSum(matmul(x, matmul(a, b))); // [B,3] x [3,5]
    const { products } = compile({ loss, dx: grad(loss, [x])[0] });
    const count = (batchSize: number): number =>
      products.reduce((sum, product) => sum + multiplyAdds(product, batchSize), 0);
    // Forward 15 per row; its gradient for x another 15; a b is 3 x 2 x 5.
    expect([count(1), count(10)]).toEqual([30 + 30, 300 + 30]);
    expect(largestProduct(products, 10)).toEqual({ rows: 10, inner: 3, columns: 5 });
  });

  test('the search step of the ml-1m preset is what its layers say', () => {
    const model = findModel('autoifs');
    const options = model.options.parse({ key: 'autoifs' });
    const sizes = { fields: 8, scenarios: 3, tasks: 2 };
    const [d, h1, h2, h3] = [8 * 16, 1024, 512, 256];
    const count = (phase: 'search' | 'retrain'): number =>
      trainingGraph({ model, options, sizes, phase, batchSize: 4096 }).products.reduce(
        (sum, p) => sum + multiplyAdds(p, 4096),
        0,
      ) / 4096;
    // Three products per layer (forward, for the weights, for the input); the gates' first layer passes none on.
    const main = 3 * (d * h1 + h1 * h2 + h2 * h3);
    const gates = 3 * (d * h1 + h1 * h2) - d * h1;
    // What is left, additions of rank 2 and maps to single numbers, is under one percent.
    expect(count('search') / (main + gates)).toBeGreaterThan(1);
    expect(count('search') / (main + gates)).toBeLessThan(1.01);
    expect(count('retrain') / main).toBeGreaterThan(1);
    expect(count('retrain') / main).toBeLessThan(1.01);
  });
});

describe('what a bench stands on', () => {
  test('synthetic rows: full batches, every id in its field and none of them padding', async () => {
    const data = syntheticData({ rows: 100, fields: 3, scenarios: 2, tasks: 2, vocabulary: 50 });
    const { fields } = data.manifest;
    expect(fields.map(({ offset, size }) => [offset, size])).toEqual([
      [0, 16],
      [16, 17],
      [33, 17],
    ]);
    const sizes: number[] = [];
    for await (const batch of (await data.open('train')).batches({ batchSize: 40 })) {
      sizes.push(batch.size);
      batch.ids.forEach((id, i) => {
        const { offset, size } = fields[i % 3];
        expect(id > offset && id < offset + size).toBe(true);
      });
      expect(new Set(batch.scenario)).toEqual(new Set([0, 1]));
    }
    expect(sizes).toEqual([40, 40, 20]);
  });

  test('the peak is the faster of two products, in every measurement', async () => {
    const peak = await openPeak({ rows: 8, inner: 4, columns: 4 }, { threads: 1 });
    for (let i = 0; i < 3; i++) await peak.measure();
    const { gflops, product } = peak.faster();
    expect(product).toEqual({ rows: 2048, inner: 2048, columns: 2048 }); // a tiny product never is at peak
    expect(gflops.length).toBe(3);
    expect(Math.min(...gflops)).toBeGreaterThan(1);
    await peak.close();
  });

  test('two copies of a loop take at least nearly as long as one', async () => {
    const ratio = await twoCopies(20_000_000);
    expect(ratio).toBeGreaterThan(0.3);
    expect(ratio).toBeLessThan(20);
  });
});
