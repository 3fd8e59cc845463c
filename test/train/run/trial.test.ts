import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { readJsonLines } from '../../../src/store/json-lines.ts';
import { runPaths } from '../../../src/store/run/run-folder.ts';
import { runTraining, runTrial } from '../../../src/train/run/run.ts';
import { makeRun, prepareSmall, temporaryFolder } from '../support.ts';

const folder = temporaryFolder();
let data: string;
const metrics = (run: string): { kind: string; phase: string; monitor: number; best: boolean }[] =>
  readJsonLines(runPaths(run).metrics) as never;
const request = (run: string) => ({ folder: run, emit: () => {}, shouldStop: () => false });

beforeAll(async () => {
  data = await prepareSmall(folder.path);
});
afterAll(folder.remove);

test('a trial stops after so many epochs, goes on to more, and never touches a test row', async () => {
  const whole = await makeRun(join(folder.path, 'whole'), data);
  await runTraining(request(whole));
  const expected = metrics(whole);
  expect(expected.at(-1)?.kind).toBe('result');

  // From here on test rows could not be read.
  writeFileSync(join(data, 'test.parquet'), 'no rows');
  rmSync(join(data, 'rows', 'test.bin'));
  const trial = await makeRun(join(folder.path, 'trial'), data);
  const epochs = expected.filter(({ kind }) => kind === 'epoch');
  const bestOf = (phase: string, count: number): number | undefined =>
    epochs.slice(0, count).findLast((epoch) => epoch.phase === phase && epoch.best)?.monitor;

  expect(await runTrial(request(trial), { epochs: 2 })).toMatchObject({
    ended: false,
    epochs: 2,
    best: bestOf('search', 2),
  });
  expect(metrics(trial).filter(({ kind }) => kind === 'epoch')).toEqual(epochs.slice(0, 2));
  // Asked again for what is done it does nothing.
  const before = readFileSync(runPaths(trial).metrics, 'utf8');
  expect(await runTrial(request(trial), { epochs: 2 })).toMatchObject({
    ended: false,
    epochs: 2,
    best: bestOf('search', 2),
  });
  expect(readFileSync(runPaths(trial).metrics, 'utf8')).toBe(before);
  // The end of a phase, then an epoch of the next, then all that is left.
  expect(await runTrial(request(trial), { epochs: 3 })).toMatchObject({
    ended: false,
    epochs: 3,
    best: bestOf('search', 3),
  });
  expect(await runTrial(request(trial), { epochs: 4 })).toMatchObject({
    ended: false,
    epochs: 4,
    best: bestOf('retrain', 4),
  });
  const end = await runTrial(request(trial));
  expect(end).toMatchObject({
    event: 'validated',
    ended: true,
    epochs: epochs.length,
    best: bestOf('retrain', epochs.length),
  });
  expect(metrics(trial)).toEqual(expected.slice(0, -1));
  await expect(runTraining(request(trial))).rejects.toThrow();
});

test('a trial stops after so many steps, is validated there, and goes on', async () => {
  const input = { model: { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [4] } };
  const fresh = await prepareSmall(folder.path, 700, 30, 'steps');
  const trial = await makeRun(join(folder.path, 'by-steps'), fresh, input);
  // An epoch has 6 steps.
  expect(await runTrial(request(trial), { steps: 8 })).toMatchObject({ event: 'validated', ended: false, epochs: 1 });
  const first = metrics(trial);
  expect(first.filter(({ kind }) => kind !== 'step').map(({ kind }) => kind)).toEqual(['epoch', 'validation']);
  expect(first.at(-1)).toMatchObject({ step: 8, monitor: expect.any(Number) });
  // Asked again it does nothing; the same steps in two calls give the same log.
  await runTrial(request(trial), { steps: 8 });
  expect(metrics(trial)).toEqual(first);
  const stopped = await makeRun(join(folder.path, 'stopped'), fresh, input);
  let steps = 0;
  await runTrial({ ...request(stopped), shouldStop: () => ++steps === 7 }, { steps: 8 });
  await runTrial(request(stopped), { steps: 8 });
  expect(metrics(stopped)).toEqual(first);
  // At the end of an epoch there is one validation.
  await runTrial(request(trial), { steps: 12 });
  expect(metrics(trial).filter(({ kind }) => kind === 'epoch')).toHaveLength(2);
  expect(metrics(trial).filter(({ kind }) => kind === 'validation')).toHaveLength(1);
  const result = await runTraining(request(trial));
  expect(result.event).toBe('result');
});
