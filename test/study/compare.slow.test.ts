/** A whole comparison: killed in its parent and in a worker, it ends in the bytes of an unbroken one. */
import { execFileSync, spawn } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openPrepared } from '../../src/data/prepared/open.ts';
import {
  cellResultSchema,
  comparisonSchema,
  type ModelResult,
  type ModelTests,
  timesSchema,
} from '../../src/documents/comparison.ts';
import { auc } from '../../src/evaluate/index.ts';
import { delongTest, meanPlacements, type Placements, placements } from '../../src/evaluate/significance/index.ts';
import { events, interrupted, jsonLines, SMALL_WORLD, tributary } from '../cli/spawn.ts';

const folder = mkdtempSync(join(tmpdir(), 'tributary-'));
const at = (...names: string[]): string => join(folder, ...names);

const TINY = { embeddingDim: 4, towerDims: [4] };
const COMPARISON = {
  data: at('data'),
  seeds: [1, 2],
  common: { train: { batchSize: 256, learningRate: 0.01, maxEpochs: 4, patience: 4 } },
  models: [
    { model: 'shared-bottom', options: { model: { ...TINY, bottomDims: [8] } } },
    { model: 'mmoe', label: 'experts', options: { model: { ...TINY, experts: 2, expertDims: [8] } } },
  ],
  references: [{ model: 'shared-bottom', by: 'task', options: { model: { ...TINY, bottomDims: [8] } } }],
};

const write = (name: string, comparison: object): string => {
  writeFileSync(at(name), JSON.stringify(comparison));
  return at(name);
};
const read = (...names: string[]): unknown => JSON.parse(readFileSync(at(...names), 'utf8'));
const result = (out: string) => comparisonSchema.parse(read(out, 'result.json'));
const cellFolder = (out: string, name: string): string =>
  at(out, 'cells', readdirSync(at(out, 'cells')).find((cell) => cell.startsWith(name)) as string);

let told: Record<string, unknown>[];

beforeAll(() => {
  events([...SMALL_WORLD, '--source', at('world'), '--out', at('data')]);
  told = events(['compare', write('zoo.json', COMPARISON), '--out', at('whole')]);
});
afterAll(() => rmSync(folder, { recursive: true }));

test('--json: a state for every training, the result of the announced shape in the end', () => {
  expect(told[0]).toMatchObject({ event: 'start', cells: 8, finished: 0 });
  const finished = told.filter(({ event, state }) => event === 'cell' && state === 'finished');
  expect(finished).toHaveLength(8);
  const last = told.at(-1) as { event: string; models: Record<string, unknown>[] };
  expect(last).toMatchObject({ event: 'result', baseline: 'shared-bottom', failed: 0 });
  expect(last.models.map(({ model }) => model)).toEqual(['shared-bottom', 'experts', 'shared-bottom (one task)']);
  for (const model of last.models)
    expect(model).toMatchObject({
      seeds: [1, 2],
      macro: { auc: { n: 2, mean: expect.any(Number), sd: expect.any(Number) } },
      denseParameters: expect.any(Number),
      multiplyAddsPerRow: expect.any(Number),
      secondsToBest: expect.any(Number),
      processorSecondsToBest: expect.any(Number),
      peakBytes: expect.any(Number),
    });
  expect((last.models[0].cells as object[]).length).toBe(6);
});

test('its files have the shapes of their schemas', () => {
  expect(result('whole')).toEqual(read('whole', 'result.json'));
  expect(timesSchema.parse(read('whole', 'times.json'))).toEqual(read('whole', 'times.json'));
  for (const cell of readdirSync(at('whole', 'cells'))) {
    const { checksum: _, ...written } = read('whole', 'cells', cell, 'cell.json') as Record<string, unknown>;
    expect(cellResultSchema.parse(written)).toEqual(written);
  }
});

test('metrics and tests follow from the stored logits', async () => {
  const data = await openPrepared(at('data'));
  const reader = await data.open('test');
  const rows: { scenario: number; labels: number[] }[] = [];
  for await (const { size, scenario, labels } of reader.batches({ batchSize: 1000 }))
    for (let i = 0; i < size; i++) rows.push({ scenario: scenario[i], labels: [labels[2 * i], labels[2 * i + 1]] });
  await reader.close();

  const [dataset] = result('whole').datasets;
  const found = (name: string): ModelResult => dataset.models.find(({ model }) => model === name) as ModelResult;
  const logits = (name: string): Float32Array =>
    new Float32Array(Uint8Array.from(readFileSync(join(cellFolder('whole', name), 'test-logits.f32'))).buffer);
  /** Scores of a cell's rows by one training. */
  const scores = (name: string, s: number, t: number): number[] =>
    [...logits(name)].filter((_, i) => i % 2 === t && rows[i >> 1].scenario === s);

  for (const [c, { scenario, task }] of found('experts').cells.entries()) {
    const [s, t] = [dataset.scenarios.indexOf(scenario), dataset.tasks.indexOf(task)];
    const labels = rows.filter((row) => row.scenario === s).map((row) => row.labels[t]);
    const names = {
      experts: ['experts-seed-1', 'experts-seed-2'],
      'shared-bottom': ['shared-bottom-seed-1', 'shared-bottom-seed-2'],
      // References answer a cell by the training of its part.
      'shared-bottom (one task)': [1, 2].map((seed) => `shared-bottom-one-task-${task}-seed-${seed}`),
    };
    const placed = Object.fromEntries(
      Object.entries(names).map(([model, own]) => {
        const aucs = own.map((name) => (auc(scores(name, s, t), labels) as { value: number }).value);
        expect(found(model).cells[c].auc?.mean, `${model} ${scenario} ${task}`).toBeCloseTo(
          (aucs[0] + aucs[1]) / 2,
          12,
        );
        return [model, meanPlacements(own.map((name) => placements(scores(name, s, t), labels) as Placements))];
      }),
    );
    const testOf = (tests: ModelTests[]) => tests.find(({ model }) => model === 'experts')?.cells[c].delong;
    const against = (model: string) => delongTest(placed.experts, placed[model]);
    const close = (a: object | null | undefined, b: object | undefined): void => {
      for (const [name, value] of Object.entries(b ?? {}))
        expect((a as Record<string, number>)[name]).toBeCloseTo(value, 12);
    };
    close(testOf(dataset.tests), against('shared-bottom'));
    close(testOf(dataset.transfer), against('shared-bottom (one task)'));
  }
});

test('a training for one task knows nothing of the other', () => {
  const { grid } = JSON.parse(
    readFileSync(join(cellFolder('whole', 'shared-bottom-one-task-like'), 'cell.json'), 'utf8'),
  );
  for (const { task, auc, rows } of grid.cells)
    expect([auc !== null, rows > 0]).toEqual([task === 'like', task === 'like']);
});

/** Processes that a process has started. */
function childrenOf(pid: number): number[] {
  try {
    return execFileSync('pgrep', ['-P', String(pid)], { encoding: 'utf8' })
      .trim()
      .split('\n')
      .map(Number);
  } catch {
    return [];
  }
}

/** Does it run? One that has ended may be listed until its new parent asks for how. */
const isAlive = (pid: number): boolean => {
  try {
    return !execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('Z');
  } catch {
    return false;
  }
};

test('kill -9 of a worker, then of the parent: the same command goes on, to the same bytes', async () => {
  const config = write('two.json', { ...COMPARISON, references: [] });
  const words = ['compare', config, '--out', at('killed'), '--json'];
  const child = spawn(process.execPath, [resolve('bin/tributary.js'), ...words], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let out = '';
  let killedWorker = false;
  let workers: number[] = [];
  child.stdout.setEncoding('utf8').on('data', (text) => {
    out += text;
    if (!killedWorker && out.includes('"state":"running","phase"')) {
      killedWorker = true;
      process.kill(childrenOf(child.pid as number)[0], 'SIGKILL');
    }
    if (out.split('"state":"finished"').length > 2 && workers.length === 0) {
      workers = childrenOf(child.pid as number);
      child.kill('SIGKILL');
    }
  });
  await new Promise((done) => child.on('close', done));
  expect(killedWorker).toBe(true);
  expect(out).not.toContain('"event":"result"');
  for (let tries = 0; tries < 50 && workers.some(isAlive); tries++) await setTimeout(100);
  expect(workers.filter(isAlive)).toEqual([]); // workers end with their parent

  const finished = readdirSync(at('killed', 'cells')).filter((cell) =>
    existsSync(at('killed', 'cells', cell, 'cell.json')),
  );
  expect(finished.length).toBeGreaterThanOrEqual(2);
  const written = (): number[] => finished.map((cell) => statSync(at('killed', 'cells', cell, 'cell.json')).mtimeMs);
  const before = written();
  const again = events(['compare', config, '--out', at('killed')]);
  expect(again[0]).toMatchObject({ event: 'start', cells: 4, finished: finished.length });
  expect(written()).toEqual(before); // not trained again
  const [start] = events(['compare', config, '--out', at('whole')]);
  expect(start).toMatchObject({ cells: 4, finished: 4 }); // these were never killed
  expect(readFileSync(at('killed', 'result.json'), 'utf8')).toBe(readFileSync(at('whole', 'result.json'), 'utf8'));
});

test('a changed comparison trains what is new; a training that breaks down does not stop the others', () => {
  const broken = { model: 'mmoe', label: 'broken', options: { train: { optimizer: 'sgd', learningRate: 1e30 } } };
  const config = write('more.json', { ...COMPARISON, references: [], models: [...COMPARISON.models, broken] });
  const { code, out, err } = tributary(['compare', config, '--out', at('whole')]);
  expect({ code, err }).toEqual({ code: 5, err: '' });
  expect(out).toContain('6 trainings in');
  expect(out).toContain('4 of them already finished');
  expect(out).toContain('LOSS_NOT_FINITE');
  for (const line of out
    .slice(out.indexOf('means over'))
    .split('\n')
    .filter((text) => !text.startsWith('  ')))
    expect(line.length).toBeLessThanOrEqual(120);
  const models = result('whole').datasets[0].models;
  expect(models.map(({ model, seeds, failed }) => [model, seeds.length, failed.length])).toEqual([
    ['shared-bottom', 2, 0],
    ['experts', 2, 0],
    ['broken', 0, 2],
  ]);
  expect(readFileSync(at('whole', 'comparison.md'), 'utf8')).toContain('| broken, seed 1 | LOSS_NOT_FINITE |');
});

test('Ctrl-C writes checkpoints and says how to go on', async () => {
  const stopped = await interrupted(
    ['compare', at('zoo.json'), '--out', at('stopped'), '--json'],
    (out, _err, sent) => sent === 0 && out.includes('"state":"running","phase"'),
  );
  expect(stopped).toMatchObject({ code: 130, signal: null });
  expect(stopped.err).toContain('The same command resumes it: tributary compare');
  expect(jsonLines(stopped.out).at(-1)).toMatchObject({ event: 'interrupted' });
  expect(stopped.out).toContain('"state":"stopped"');
});

test('mistakes are told at once, before anything is trained', () => {
  const wrong = {
    data: at('data'),
    models: [{ model: 'mmoee' }, { model: 'ple', preset: 'heavy', options: { train: { learningRate: -1 } } }],
    baseline: 'pl',
  };
  const { code, err } = tributary(['compare', write('wrong.json', wrong), '--out', at('none')]);
  expect(code).toBe(2);
  expect(err).toContain('models.0.model: there is no model "mmoee"; the nearest is mmoe');
  expect(err).toContain('models.1.preset: the model has no preset "heavy"');
  expect(err).toContain('models.1.train.learningRate: expected more than 0, found -1');
  expect(existsSync(at('none'))).toBe(false);
});
