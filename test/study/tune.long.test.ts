import { spawn } from 'node:child_process';
import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { tuningSchema } from '../../src/documents/tuning.ts';
import { events, jsonLines, SMALL_WORLD, tributary } from '../cli/spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-tune-'));
const at = (name: string): string => join(folder, name);
const config = {
  data: at('data'),
  model: 'shared-bottom',
  options: { model: { embeddingDim: 4 }, train: { batchSize: 256, maxEpochs: 2 } },
  space: {
    'train.learningRate': { low: 1e-3, high: 1e-1, log: true },
    'train.optimizer': { choices: ['adam', 'sgd'] },
    'train.momentum': { low: 0, high: 0.9, when: { 'train.optimizer': ['sgd'] } },
  },
  method: { kind: 'tpe', trials: 4, startTrials: 2, parallel: 2 },
};
const write = (name: string, content: object): string => {
  writeFileSync(at(name), stringify(content));
  return at(name);
};

beforeAll(() => {
  events([...SMALL_WORLD, '--source', at('world'), '--out', at('whole')]);
  cpSync(at('whole'), at('data'), { recursive: true });
  // Whoever looks at a test row fails.
  writeFileSync(at('data/test.parquet'), 'no rows');
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

/** What a search came to, but for times and places. */
const outcome = (result: Record<string, unknown>): unknown =>
  JSON.parse(JSON.stringify(result, (key, value) => (['seconds', 'out', 'config'].includes(key) ? undefined : value)));

/** Runs the command until `when` says so of what it has written, then kills it as the system would. */
const killed = (words: string[], when: (out: string) => boolean): Promise<string> =>
  new Promise((done) => {
    const child = spawn(process.execPath, [resolve('bin/tributary.js'), ...words], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    let out = '';
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      if (when(out)) child.kill('SIGKILL');
    });
    child.on('close', () => done(out));
  });

test('killed and begun again, with other workers, a search ends as if nothing had happened; its best trains to the value that it promised', async () => {
  const file = write('tune.yaml', config);
  const words = ['tune', file, '--out', at('killed')];
  const told = jsonLines(
    await killed([...words, '--json', '--workers', '2'], (out) => out.includes('"event":"trial"')),
  );
  expect(told.filter(({ event }) => event === 'trial').length).toBeLessThan(4);
  expect(existsSync(at('killed/best.yaml'))).toBe(false);

  const resumed = events([...words, '--workers', '1']);
  expect(resumed[0]).toMatchObject({ event: 'start', trials: 4, workers: 1 });
  expect(resumed[0].known).toBeGreaterThanOrEqual(1);
  const whole = events(['tune', file, '--out', at('unbroken'), '--workers', '2']).at(-1) as Record<string, unknown>;
  const result = resumed.at(-1) as Record<string, unknown>;
  expect(outcome(result)).toEqual(outcome(whole));
  expect(result).toMatchObject({ event: 'result', monitor: 'auc', config: at('killed/best.yaml') });
  expect((result.trials as object[]).length).toBe(4);
  const { event: _, out: __, config: ___, ...document } = result;
  expect(tuningSchema.parse(document)).toEqual(document);
  expect(JSON.parse(readFileSync(at('killed/result.json'), 'utf8'))).toEqual(document);

  const [, , ...best] = readFileSync(at('killed/best.yaml'), 'utf8').split('\n');
  expect(readFileSync(at('unbroken/best.yaml'), 'utf8').split('\n').slice(2)).toEqual(best);
  const trained = events([
    'train',
    '--data',
    at('whole'),
    '--config',
    at('killed/best.yaml'),
    '--threads',
    '1',
    '--out',
    at('run'),
  ]);
  const monitors = trained.filter(({ event }) => event === 'epoch').map(({ monitor }) => monitor as number);
  expect(Math.max(...monitors)).toBe((result.best as { value: number }).value);
  // Nothing but metrics is kept of trials.
  for (const trial of readdirSync(at('killed/trials')))
    expect(readdirSync(at(`killed/trials/${trial}`)).sort()).toEqual(['metrics.jsonl', 'run.json', 'timings.jsonl']);

  const other = tributary([...words, '--set', 'options.train.maxEpochs=3']);
  expect(other).toMatchObject({
    code: 2,
    err: expect.stringMatching(/^error TUNE_OTHER: .*differs from this one in options\.train\.maxEpochs/),
  });
});

test('a search whose trials all fail names the first failure', () => {
  const space = { 'train.learningRate': { choices: [1e30, 1e29] } };
  const method = { kind: 'tpe', trials: 2, startTrials: 1 };
  const file = write('failing.yaml', { ...config, space, method });
  expect(tributary(['tune', file, '--out', at('failing'), '--workers', '1'])).toMatchObject({
    code: 5,
    err: expect.stringMatching(/^error TUNE_NO_VALUE: none of the 2 trials reached a value\. .*not finite/m),
  });
});

test('halving goes on with the best; a trial that breaks down is listed and beaten by all others', () => {
  const space = { 'train.learningRate': { choices: [1e-3, 1e-2, 1e30] } };
  const method = { kind: 'halving', trials: 3, minEpochs: 1, factor: 2 };
  const file = write('halving.yaml', { ...config, space, method });
  const told = events(['tune', file, '--out', at('halving')]);
  const { trials } = told.at(-1) as {
    trials: { value: number | null; epochs: number; ended: boolean; failure?: string }[];
  };
  expect(trials.map(({ epochs, ended }) => [epochs, ended])).toEqual([
    [2, true],
    [1, false],
    [0, true],
  ]);
  expect(trials[2]).toMatchObject({ value: null, failure: expect.stringContaining('is not finite') });
  // The promoted trial led after one epoch.
  const first = told.filter(({ event, asked }) => event === 'trial' && asked === 1);
  const lead = Math.max(...first.map(({ value }) => (value as number | null) ?? 0));
  expect((trials[1].value as number) < lead).toBe(true);
});
