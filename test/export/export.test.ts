import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createRowEncoder } from '../../src/data/encode/encoder.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import type { PreparedData } from '../../src/data/prepared/prepared.ts';
import { exportRun } from '../../src/export/export.ts';
import { distribution } from '../../src/export/statistics.ts';
import { predictRun } from '../../src/inference/predict.ts';
import { type Artifact, openArtifact } from '../../src/store/artifact/open.ts';
import { openRowEncoder } from '../data/row-encoder.ts';
import { makeRun, prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const { path: folder, remove } = temporaryFolder();
const run = join(folder, 'run');
const out = join(folder, 'artifact');
let data: PreparedData;
let artifact: Artifact;

beforeAll(async () => {
  const prepared = await prepareSmall(folder, 4000);
  data = await openPrepared(prepared);
  await makeRun(run, prepared, { train: { searchEpochs: 1, maxEpochs: 2 } });
  await trainWithStops(run);
  const score = { default: 'click * 0.3 + buy', scenarios: { search: 'buy' } };
  mkdirSync(`${out}.writing`);
  writeFileSync(`${out}.writing/graph.onnx`, 'precious');
  await exportRun(run, { out, score, calibrate: 'platt', threads: 1 });
  artifact = await openArtifact(out);
});
afterAll(remove);

test('says what the run was, and how answers are made', () => {
  const { manifest } = artifact;
  expect(manifest).toMatchObject({
    name: 'autoifs-small',
    run: { id: 'run', dataHash: data.manifest.hash, seed: 3 },
    model: { key: 'autoifs', embeddingDim: 4 },
    graphs: [{ file: 'graph.onnx', selection: 'none', tables: ['embedding', 'gateEmbedding'] }],
    score: { default: 'click * 0.3 + buy', scenarios: { search: 'buy' } },
    metrics: { macro: { auc: expect.any(Number) } },
  });
  expect(manifest.calibration.flat().map(({ kind }) => kind)).toContain('platt');
});

test('says how well the probabilities of each labelled validation row fit, before and after calibration', async () => {
  const { scenarios, tasks } = data.manifest;
  const known = scenarios.map(() => tasks.map(() => ({ rows: 0, positives: 0 })));
  for await (const { size, labels, scenario } of data.batches('validation'))
    for (let i = 0; i < size * tasks.length; i++) {
      if (Number.isNaN(labels[i])) continue;
      const own = known[scenario[Math.floor(i / tasks.length)]][i % tasks.length];
      own.rows++;
      own.positives += labels[i];
    }
  const { calibration, reliability = [] } = artifact.manifest;
  expect(reliability.map(({ scenario, task }) => [scenario, task])).toEqual(
    scenarios.flatMap((scenario) => tasks.map((task) => [scenario, task])),
  );
  expect(reliability.map(({ after }) => after === undefined)).toEqual(
    calibration.flat().map(({ kind }) => kind === 'none'),
  );
  for (const [i, { before, after }] of reliability.entries())
    for (const { buckets } of after === undefined ? [before] : [before, after]) {
      const sum = (key: 'rows' | 'positives') => buckets.reduce((total, bucket) => total + bucket[key], 0);
      expect({ rows: sum('rows'), positives: sum('positives') }).toEqual(known.flat()[i]);
    }
});

test('encodes rows to the ids of the prepared data', async () => {
  const [ours, theirs] = [createRowEncoder(artifact.encoder), await openRowEncoder(data)];
  for (const row of [
    { user: 'u1', item: 'i7', tags: 'a|t2', place: '1' },
    { user: 'nobody', tags: 'a|x|t1|t2', place: 0 },
  ]) {
    const [a, b] = [new Int32Array(ours.slots), new Int32Array(theirs.slots)];
    ours.encode(row, a);
    theirs.encode(row, b);
    expect(a).toEqual(b);
  }
});

async function probabilities(file: string): Promise<unknown[]> {
  const connection = await (await DuckDBInstance.create()).connect();
  const result = await connection.runAndReadAll(`SELECT probability_click, probability_buy FROM '${file}'`);
  connection.closeSync();
  return result.getRowsJS();
}

test('the run and the artifact predict the same bits; calibrated ones follow the manifest', async () => {
  const input = join(folder, 'data.csv');
  const output = (name: string): string => join(folder, `${name}.parquet`);
  await predictRun(run, { input, output: output('run') });
  await predictRun(out, { data: data.folder, input, output: output('bare'), uncalibrated: true, threads: 1 });
  await predictRun(out, { data: data.folder, input, output: output('calibrated') });
  const bare = await probabilities(output('run'));
  expect(bare.length).toBe(4000);
  expect(await probabilities(output('bare'))).toEqual(bare);
  expect(await probabilities(output('calibrated'))).not.toEqual(bare);
  await expect(predictRun(out, { input, output: output('x') })).rejects.toMatchObject({ code: 'ARTIFACT_DATA' });
});

test('its statistics are those of the rows', async () => {
  const counts = new Map<number, number>();
  const reader = await data.open('train');
  const { offset } = data.manifest.fields[1];
  for await (const { size, ids } of reader.batches({ batchSize: 100 }))
    for (let row = 0; row < size; row++) {
      const id = ids[(row * ids.length) / size + 1] - offset;
      counts.set(id, (counts.get(id) ?? 0) + 1);
    }
  await reader.close();
  const item = artifact.statistics.fields[1];
  expect(item).toMatchObject({ name: 'item', values: reader.rows });
  expect(item.ids.length).toBe(20);
  for (const [i, id] of item.ids.entries())
    expect(item.shares[i] * reader.rows).toBeCloseTo(counts.get(id) as number, 6);
  const { shares, outOfVocabulary, rest } = item;
  expect(shares.reduce((sum, share) => sum + share, outOfVocabulary + rest)).toBeCloseTo(1, 9);
  const cells = artifact.statistics.cells.filter(({ task }) => task === 'click');
  expect(cells.reduce((sum, { rows }) => sum + rows, 0)).toBe(data.manifest.splits.validation.rows);
});

test('a distribution has a tenth of the rows between deciles, equal deciles once', () => {
  const ones = (count: number) => new Float32Array(count).fill(1);
  const even = distribution(
    Float64Array.from({ length: 100 }, (_, i) => i / 100),
    ones(100),
  );
  expect(even.edges).toEqual([0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]);
  expect(even.shares.map((share) => Math.round(share * 1e9) / 1e9)).toEqual(new Array(10).fill(0.1));
  expect(distribution(Float64Array.of(0.5, 0.5, 0.5, 0.5), ones(4))).toEqual({
    edges: [0.5],
    shares: [0, 1],
    mean: 0.5,
  });
  // A row of weight w counts as w copies of it.
  const some = [0.1, 0.2, 0.2, 0.4, 0.9];
  const weights = Float32Array.of(3, 1, 4, 2, 6);
  const copies = Float64Array.from(some.flatMap((p, i) => new Array<number>(weights[i]).fill(p)));
  const [weighed, repeated] = [distribution(Float64Array.from(some), weights), distribution(copies, ones(16))];
  expect(weighed).toEqual({ ...repeated, mean: expect.closeTo(repeated.mean as number, 12) });
  expect(distribution(new Float64Array(0), ones(0))).toEqual({ edges: [], shares: [], mean: null });
});

test('mistakes are told before anything is written', async () => {
  const place = join(folder, 'other');
  const attempt = (options: object, at = place) => exportRun(run, { out: at, ...options });
  await expect(attempt({ score: { default: 'clik' } })).rejects.toMatchObject({ code: 'SCORE_INVALID' });
  await expect(attempt({ score: { scenarios: { serch: 'click' } } })).rejects.toMatchObject({ code: 'SCORE_SCENARIO' });
  await expect(attempt({ name: 'a b' })).rejects.toMatchObject({ code: 'ARTIFACT_NAME' });
  await expect(attempt({}, out)).rejects.toMatchObject({ code: 'ARTIFACT_EXISTS' });
  mkdirSync(join(folder, 'taken'));
  writeFileSync(join(folder, 'taken', 'notes.txt'), '');
  await expect(attempt({}, join(folder, 'taken'))).rejects.toThrow('notes.txt');
  expect(existsSync(place)).toBe(false);
  expect(readdirSync(folder).filter((name) => name.includes('writing'))).toEqual(['artifact.writing']);
  expect(readFileSync(`${out}.writing/graph.onnx`, 'utf8')).toBe('precious');
});
