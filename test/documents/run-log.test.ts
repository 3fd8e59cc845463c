/** The logs of runs through their schemas: of today, of 0.1, and damaged. */
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { readMetrics, readTimings, runPaths } from '../../src/store/run/run-folder.ts';
import { openTrialLog } from '../../src/study/tune/trials.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-documents-'));
afterAll(() => rmSync(folder, { recursive: true }));

const { metrics, timings } = runPaths(folder);

test('lines of 0.1 are read in the form of today', () => {
  const old = 'test/upgrade/0.1/run/metrics.jsonl';
  copyFileSync(old, metrics);
  const lines = readMetrics(folder);
  expect(lines.map(({ kind, version }) => [kind, version])).toEqual([
    ['epoch', 1],
    ['epoch', 1],
    ['flows', 1],
    ['epoch', 1],
    ['epoch', 1],
    ['result', 1],
  ]);
  const [result] = lines.filter((line) => line.kind === 'result');
  const written = JSON.parse(readFileSync(old, 'utf8').trim().split('\n').at(-1) as string);
  expect(result.test).toMatchObject(written.test);
  expect(result.test.macro).toMatchObject({ ndcg: null, map: null });
  expect(result.test.means).toEqual({
    minPositives: 0,
    minNegatives: 0,
    weights: 'equal',
    fallback: false,
    cells: 4,
    of: 4,
  });
});

test('a line that does not fit is named, with what does not fit', () => {
  const step = { kind: 'step', version: 1, phase: 'train', step: 1, learningRate: 0.1, penalty: 0 };
  const whole = { ...step, losses: { click: null }, taskWeights: { click: 1 } };
  const write = (path: string, ...lines: object[]): void =>
    writeFileSync(path, lines.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const refused = (...problems: string[]) =>
    expect.objectContaining({ code: 'RUN_DAMAGED', message: expect.stringMatching(problems.join('.*')) });
  write(metrics, whole, { ...whole, losses: 'none' });
  expect(() => readMetrics(folder)).toThrow(refused('metrics.jsonl is damaged: line 2', 'losses'));
  for (const line of [{ ...whole, kind: 'other' }, { ...whole, version: 2 }, { ...whole, more: 1 }, [], 7]) {
    write(metrics, whole, whole, line as object);
    expect(() => readMetrics(folder)).toThrow(refused('line 3'));
  }
  write(timings, { seconds: 'long' });
  expect(() => readTimings(folder)).toThrow(refused('timings.jsonl', 'line 1'));
  const trials = join(folder, 'trials.jsonl');
  write(trials, { trial: 0 });
  expect(() => openTrialLog(trials)).toThrow(refused('trials.jsonl', 'line 1'));
});
