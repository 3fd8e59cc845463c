/** Folders and a configuration that version 0.1 wrote (test/upgrade/0.1): read, used, gone on with. */
import { cpSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { validate, worstLevel } from '../../src/data/checks/validate.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared, verifyPrepared } from '../../src/data/prepared/open.ts';
import { gridToJson } from '../../src/documents/grid.ts';
import { exportRun } from '../../src/export/export.ts';
import { predictRun } from '../../src/inference/predict.ts';
import { loadRanker } from '../../src/serve/ranker/ranker.ts';
import { openArtifact } from '../../src/store/artifact/open.ts';
import { evaluateRun } from '../../src/train/evaluate-run.ts';
import { runTraining } from '../../src/train/run/run.ts';
import { readParquetRows } from '../data/support.ts';
import { temporaryFolder } from '../train/support.ts';

const STORED = join(import.meta.dirname, '0.1');
const { path: folder, remove } = temporaryFolder();
const at = (name: string): string => join(folder, name);

beforeAll(() => {
  for (const name of ['prepared', 'run', 'artifact', 'rows.jsonl', 'log.csv', 'shop.yaml'])
    cpSync(join(STORED, name), at(name), { recursive: true });
});
afterAll(remove);

/** Of the stored run's last checkpoint. */
const TIMINGS_BYTES = 752;

const lastLine = (path: string): { test: { cells: unknown } } =>
  JSON.parse(readFileSync(path, 'utf8').trimEnd().split('\n').at(-1) as string);

/** Probabilities of a file, in its order. */
async function probabilities(path: string): Promise<number[][]> {
  const rows = await readParquetRows(path);
  return rows.map((row) => [Number(row.probability_click), Number(row.probability_saved)]);
}

test('the configuration is valid, and gives the same rows as then', async () => {
  const config = await loadDatasetConfig(at('shop.yaml'));
  expect(worstLevel(await validate(config, folder))).not.toBe('fail');
  const { manifest } = await prepare({ config, sourceFolder: folder, out: at('again') });
  const stored = (await openPrepared(at('prepared'))).manifest;
  expect(manifest.fields).toEqual(stored.fields);
  expect(manifest.splits).toEqual(stored.splits);
  for (const [file, hash] of Object.entries(stored.files))
    if (file.startsWith('vocabularies/')) expect(manifest.files[file], file).toBe(hash);
});

test('the prepared data are whole and read as then', async () => {
  await verifyPrepared(at('prepared'));
  const data = await openPrepared(at('prepared'));
  expect(data.manifest.version).toBe(1);
  expect((await data.tokens('tags')).slice(2).sort()).toEqual(['a', 'b', 'c', 'd']);
});

test('the run is measured as then, and predicts as then', async () => {
  const { grid } = await evaluateRun(at('run'), 'test', { data: at('prepared') });
  // Means over cells follow a rule of their own version.
  const { cells } = lastLine(at('run/metrics.jsonl')).test;
  expect(gridToJson(grid).cells).toMatchObject(cells as object[]);
  await predictRun(at('run'), { data: at('prepared'), input: at('rows.jsonl'), output: at('scores.parquet') });
  const [found, stored] = [
    await probabilities(at('scores.parquet')),
    await probabilities(join(STORED, 'scores.parquet')),
  ];
  expect(found.length).toBe(stored.length);
  for (const [i, row] of found.entries()) for (const [t, p] of row.entries()) expect(p).toBeCloseTo(stored[i][t], 6);
});

test('the run is exported, and goes on to the same end', async () => {
  const { manifest } = await exportRun(at('run'), { data: at('prepared'), out: at('exported'), threads: 1 });
  expect(manifest.run.id).toBe('run');
  await openArtifact(at('exported'));
  const before = readFileSync(at('run/model.safetensors'));
  // The stored run has no wall times: as many bytes as its checkpoint counted stand for them.
  writeFileSync(at('run/timings.jsonl'), `${JSON.stringify({ pad: 'x'.repeat(TIMINGS_BYTES - 11) })}\n`);
  await runTraining({ folder: at('run'), data: at('prepared'), emit: () => {}, shouldStop: () => false });
  expect(readFileSync(at('run/model.safetensors')).equals(before)).toBe(true);
  const again = await exportRun(at('run'), { data: at('prepared'), out: at('exported-again'), threads: 1 });
  expect(again.manifest.metrics).toEqual(lastLine(at('run/metrics.jsonl')).test); // now something vouches for them
});

test('the artifact is loaded and answers', async () => {
  const ranker = await loadRanker(at('artifact'));
  try {
    const items = [8, 9, 12].map((item) => ({ id: item, item, price: item * 3, tags: ['a', 'd'] }));
    const answer = await ranker.rank({ scenario: 'search', context: { user: 4 }, items, explain: true });
    expect(answer.items.map(({ id }) => id).sort()).toEqual([12, 8, 9]);
  } finally {
    await ranker.close();
  }
});

describe('what another version wrote is refused by name', () => {
  test('prepared data of a later version', async () => {
    mkdirSync(at('later'));
    writeFileSync(
      at('later/manifest.json'),
      readFileSync(at('prepared/manifest.json'), 'utf8').replace('"version": 1', '"version": 3'),
    );
    await expect(openPrepared(at('later'))).rejects.toMatchObject({ code: 'DATA_VERSION' });
  });
});
