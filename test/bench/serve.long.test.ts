import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { Ratio } from '../../src/bench/turns.ts';
import { tributary } from '../cli/spawn.ts';
import { writeTestArtifact } from '../serve/artifacts.ts';

test('bench serve --json: the service, the echo server under the same load, and their ratios', () => {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-bench-'));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const artifact = join(folder, 'artifact');
  writeTestArtifact({ folder: artifact });
  const words = [
    '--artifact',
    artifact,
    '--candidates',
    '3',
    '--seconds',
    '1',
    '--connections',
    '2',
    '--events',
    '--experiments',
    '20',
    '--json',
  ];
  const { code, out } = tributary(['bench', 'serve', ...words]);
  expect(code).toBe(0);
  const lines = out
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line));
  const { timings, coldStartMs } = lines.at(-1);
  expect(lines.map(({ event }) => event)).toEqual(['timing', 'timing', 'result']);
  expect(coldStartMs).toBeGreaterThan(0);
  expect(timings.map(({ load }: { load: string }) => load)).toEqual(['max', 'half of max']);
  for (const { echo, logging, experiments, ratios, bodyBytes, answerBytes, ...service } of timings) {
    expect([service, echo, logging, experiments].map(({ failures }) => failures)).toEqual([0, 0, 0, 0]);
    expect(bodyBytes).toBeGreaterThan(50);
    expect(answerBytes).toBeGreaterThan(200);
    for (const measured of [service, echo, logging, experiments])
      for (const key of ['requests', 'requestsPerSecond', 'p50Ms', 'p99Ms', 'cpuMsPerRequest'])
        expect(measured[key], key).toBeGreaterThan(0);
    for (const each of [ratios, logging.ratios, experiments.ratios])
      for (const [name, { low, estimate, high }] of Object.entries<Ratio>(each)) {
        expect(low).toBeGreaterThan(0);
        expect(high).toBeGreaterThanOrEqual(low);
        expect(estimate).toBeGreaterThan(0);
        if (name !== 'p99') expect([low, estimate, high].toSorted((a, b) => a - b)).toEqual([low, estimate, high]);
      }
  }
  const [, half] = timings; // both servers had the same requests to answer
  expect(half.echo.requests / half.requests).toBeCloseTo(1, 0);
});
