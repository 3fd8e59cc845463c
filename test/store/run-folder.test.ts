import { spawnSync } from 'node:child_process';
import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 as hash } from '../../src/base/hash.ts';
import { seal } from '../../src/base/seal.ts';
import type { MetricsLine } from '../../src/documents/run-log.ts';
import { openJsonLines, readJsonLines } from '../../src/store/json-lines.ts';
import { lockFolder } from '../../src/store/lock.ts';
import { recordFinished } from '../../src/store/run/finished-run.ts';
import { loadModel, type ModelDescription, saveModel } from '../../src/store/run/model-file.ts';
import { createRun, markOf, openLogs, openRun, readMetrics, runPaths } from '../../src/store/run/run-folder.ts';
import { temporaryFolder } from './temporary.ts';

const content = {
  model: 'autoifs',
  config: { seed: 1, model: { key: 'autoifs', loraRank: 2 } },
  data: { name: 'ml 1m/√', folder: '/data/ml-1m', hash: 'a'.repeat(64) },
  versions: { tributary: '0.1.0', node: process.version },
};
const thrown = (code: string, message = '') =>
  expect.objectContaining({ code, message: expect.stringContaining(message) });

const MODEL: ModelDescription = {
  version: 1,
  model: { key: 'autoifs', loraRank: 2 },
  data: {
    name: 'ml-1m',
    hash: 'a'.repeat(64),
    tableRows: 5,
    fields: [{ name: 'user', kind: 'categorical', offset: 0, size: 5, slots: 1, pooling: 'mean' }],
    scenarios: ['0', '1'],
    tasks: ['click'],
  },
};

test.each(['../x', '/etc/passwd', 'C:\\x', 'con', '..', '.', '', '用户', 'a\nb', 'x'.repeat(1000), '..-..'])(
  'a data set called %j stays in the folder of runs',
  (name) => {
    const parent = temporaryFolder();
    const { folder } = createRun({ ...content, data: { ...content.data, name } }, { parent });
    expect(dirname(folder)).toBe(parent);
    expect(basename(folder)).toMatch(/^autoifs-[A-Za-z0-9][A-Za-z0-9._-]{0,120}$/);
    expect(openRun(folder).data.name).toBe(name);
  },
);

describe('a run folder', () => {
  test('is read as it was created', () => {
    const { folder, record } = createRun(content, { parent: temporaryFolder() });
    expect(openRun(folder)).toEqual(record);
    expect(record).toMatchObject({ ...content, id: 'autoifs-ml-1m-1' });
  });

  test('gets the number after the highest', () => {
    const parent = join(temporaryFolder(), 'runs');
    const ids = () => createRun(content, { parent }).record.id;
    expect([ids(), ids()]).toEqual(['autoifs-ml-1m-1', 'autoifs-ml-1m-2']);
    for (const other of ['autoifs-ml-1m-9', 'autoifs-ml-1m-x-99', 'autoifs-ml-1m-100.bak'])
      mkdirSync(join(parent, other));
    expect(ids()).toBe('autoifs-ml-1m-10');
  });

  test('may have a place of its own, if nothing is there', () => {
    const folder = join(temporaryFolder(), 'a', 'b');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'run.json.7.tmp'), 'an interrupted attempt');
    expect(createRun(content, { folder }).record.id).toBe('b');
    expect(() => createRun(content, { folder })).toThrow(thrown('RUN_EXISTS', 'run.json'));
  });

  test('takes away what a killed process had not finished, and nothing of one that still writes', () => {
    const folder = join(temporaryFolder(), 'run');
    mkdirSync(folder);
    const { pid: dead } = spawnSync(process.execPath, ['--version']);
    for (const pid of [dead, process.ppid]) writeFileSync(join(folder, `run.json.${pid}.tmp`), '{');
    createRun(content, { folder });
    expect(readdirSync(folder).sort()).toEqual(['run.json', `run.json.${process.ppid}.tmp`]);
  });

  test('is told from other folders, and damage is found', () => {
    const parent = temporaryFolder();
    expect(() => openRun(parent)).toThrow(thrown('RUN_NOT_FOUND', 'is not a run folder'));
    const { folder } = createRun(content, { parent });
    const path = runPaths(folder).record;
    writeFileSync(path, readFileSync(path, 'utf8').replace('"loraRank":2', '"loraRank":3'));
    expect(() => openRun(folder)).toThrow(thrown('CHECKSUM_MISMATCH', path));
  });
});

const step = (step: number, task = 'click'): MetricsLine => ({
  kind: 'step',
  version: 1,
  phase: 'train',
  step,
  learningRate: 0.1,
  losses: { [task]: 0.5 },
  taskWeights: { [task]: 1 },
  penalty: 0,
});

describe('logs', () => {
  test('go on from recorded lengths as if never interrupted', () => {
    const { folder } = createRun(content, { parent: temporaryFolder() });
    const first = openLogs(folder, { metrics: 0, timings: 0 });
    first.metrics.append(step(1, 'é'));
    first.timings.append({ seconds: 5 });
    first.sync();
    const keep = { metrics: first.metrics.bytes, timings: first.timings.bytes };
    first.metrics.append(step(2));
    first.close();
    appendFileSync(runPaths(folder).metrics, '{"step":3,"cut sho');
    expect(readJsonLines(runPaths(folder).metrics)).toEqual([step(1, 'é'), step(2)]);

    const second = openLogs(folder, keep);
    second.metrics.append(step(2));
    second.close();
    expect(readFileSync(runPaths(folder).metrics, 'utf8')).toBe(
      `${JSON.stringify(step(1, 'é'))}\n${JSON.stringify(step(2))}\n`,
    );
    expect(readJsonLines(runPaths(folder).timings)).toEqual([{ seconds: 5 }]);
  });

  test('that are shorter than recorded, or not JSON, are damaged', () => {
    const path = join(temporaryFolder(), 'metrics.jsonl');
    expect(readJsonLines(path)).toEqual([]);
    writeFileSync(path, '{"a":1}\nnope\n');
    expect(() => readJsonLines(path)).toThrow(thrown('RUN_DAMAGED', 'line 2 is not JSON'));
    truncateSync(path, 3);
    expect(() => openJsonLines(path, 8)).toThrow(
      thrown('RUN_DAMAGED', 'it has 3 bytes, the checkpoint was written after 8'),
    );
    expect(readFileSync(path, 'utf8')).toBe('{"a'); // nothing was cut or added
  });
});

describe('the lock', () => {
  test('is held by one, and can be taken again when given back', () => {
    const folder = temporaryFolder();
    const unlock = lockFolder(folder);
    expect(() => lockFolder(folder)).toThrow(thrown('RUN_LOCKED', `in use by process ${process.pid} on ${hostname()}`));
    unlock();
    lockFolder(folder)();
    expect(readdirSync(folder)).toEqual([]);
  });

  const dead = spawnSync(process.execPath, ['--version']).pid;
  test.each([
    ['a process that is gone', JSON.stringify({ pid: dead, host: hostname() }), true],
    [
      'an earlier process with the number of a living one',
      JSON.stringify({ pid: process.ppid, host: hostname(), started: '1' }),
      existsSync('/proc'),
    ],
    ['a power cut', '', true],
    ['a living process', JSON.stringify({ pid: process.ppid, host: hostname() }), false],
    ['another machine', JSON.stringify({ pid: dead, host: 'elsewhere' }), false],
  ])('left by %s', (_who, text, free) => {
    const folder = temporaryFolder();
    writeFileSync(join(folder, 'lock.3'), text);
    if (!free) {
      expect(() => lockFolder(folder)).toThrow(thrown('RUN_LOCKED', 'lock.3'));
      return;
    }
    const unlock = lockFolder(folder);
    expect(readdirSync(folder)).toEqual(['lock.4']);
    unlock();
    expect(readdirSync(folder)).toEqual([]);
  });
});

describe('a finished model', () => {
  const tensors = (value: number) => new Map([['w', { shape: [1], data: Float32Array.of(value) }]]);

  test('comes back, the last one written', () => {
    const folder = temporaryFolder();
    expect(() => loadModel(folder)).toThrow(thrown('MODEL_MISSING', 'tributary resume'));
    saveModel(folder, MODEL, tensors(1));
    saveModel(folder, MODEL, tensors(2));
    const model = loadModel(folder);
    expect(model.description).toEqual(MODEL);
    expect([...model.tensors.get('w')!.data]).toEqual([2]);
  });

  test.each(['model.json', 'model.safetensors'])('a changed byte of %s is found', (file) => {
    const folder = temporaryFolder();
    saveModel(folder, MODEL, tensors(1));
    const path = join(folder, file);
    const good = readFileSync(path);
    for (let at = 0; at < good.length; at++) {
      const damaged = Buffer.from(good);
      damaged[at] ^= 1 << (at % 8);
      writeFileSync(path, damaged);
      expect(() => loadModel(folder), `byte ${at}`).toThrow(thrown('CHECKSUM_MISMATCH', path));
    }
  });
});

describe('a finished run', () => {
  const finished = () => {
    const { folder, record } = createRun(content, { parent: temporaryFolder() });
    const logs = openLogs(folder, { metrics: 0, timings: 0 });
    logs.metrics.append(step(1));
    logs.timings.append({ seconds: 5 });
    logs.close();
    saveModel(folder, MODEL, new Map([['w', { shape: [1], data: Float32Array.of(1) }]]));
    recordFinished(folder, markOf(record));
    return folder;
  };

  test('is read as it was recorded', () => {
    const folder = finished();
    expect(readMetrics(folder)).toEqual([step(1)]);
    expect(loadModel(folder).description).toEqual(MODEL);
    expect(openRun(folder).id).toBe('autoifs-ml-1m-1');
  });

  test('is refused with a changed log, a model that is gone, or parts of another run', () => {
    const [folder, other] = [finished(), finished()];
    const metrics = runPaths(folder).metrics;
    writeFileSync(metrics, readFileSync(metrics, 'utf8').replace('"step":1', '"step":2'));
    expect(() => readMetrics(folder)).toThrow(thrown('CHECKSUM_MISMATCH', metrics));
    writeFileSync(metrics, '');
    expect(() => readMetrics(folder)).toThrow(thrown('CHECKSUM_MISMATCH', metrics));
    rmSync(metrics);
    expect(() => readMetrics(folder)).toThrow(thrown('RUN_DAMAGED', 'metrics.jsonl is gone'));
    renameSync(join(folder, 'model.json'), join(folder, 'elsewhere'));
    expect(() => loadModel(folder)).toThrow(thrown('RUN_DAMAGED', 'model.json is gone'));
    const text = readFileSync(runPaths(other).record, 'utf8');
    const { checksum: _, ...record } = JSON.parse(text);
    writeFileSync(runPaths(folder).record, seal({ ...record, created: '2020-01-01T00:00:00.000Z' }));
    expect(() => openRun(folder)).toThrow(thrown('RUN_DAMAGED', 'run.json is of'));
  });

  test('that goes on is finished no more', () => {
    const folder = finished();
    const { bytes, sha256 } = openLogs(folder, { metrics: 0, timings: 0 }).metrics;
    expect({ bytes, sha256 }).toEqual({ bytes: 0, sha256: hash('') });
    expect(readMetrics(folder)).toEqual([]);
  });

  test('a log that a checkpoint did not record is not gone on with', () => {
    const folder = finished();
    const { metrics } = runPaths(folder);
    const text = readFileSync(metrics, 'utf8');
    const keep = { metrics: text.length, timings: 0, metricsSha256: hash(text) };
    openLogs(folder, keep).close();
    writeFileSync(metrics, text.replace('1', '2'));
    expect(() => openLogs(folder, keep)).toThrow(thrown('CHECKSUM_MISMATCH', metrics));
    expect(readFileSync(metrics, 'utf8')).toBe(text.replace('1', '2')); // nothing was cut
  });
});
