/** Files that the program did not write are not overwritten, whatever folder it is given. */
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadComparisonConfig } from '../src/config/load-compare.ts';
import { loadTuneConfig } from '../src/config/load-tune.ts';
import { recipes } from '../src/data/recipes/recipes.ts';
import { exportWeights } from '../src/interop/exchange.ts';
import { models } from '../src/model/registry.ts';
import { startComparison } from '../src/study/compare/run.ts';
import { claimFolder } from '../src/study/tune/folder.ts';
import { temporaryFolder } from './data/support.ts';
import { makeRun, prepareSmall, trainWithStops } from './train/support.ts';

const occupied = (name: string) => ({ code: 'FILE_OCCUPIED', message: expect.stringContaining(name) });

test.each(['result.json', 'times.json', 'comparison.md'])('compare keeps a %s that it did not write', async (name) => {
  const folder = temporaryFolder({ [`out/${name}`]: '{"precious":true}' });
  const data = await prepareSmall(folder, 300);
  const comparison = await loadComparisonConfig({ data, models: [{ model: 'mmoe' }], seeds: [1] }, models);
  const { finished } = startComparison({ comparison, out: join(folder, 'out') });
  await expect(finished).rejects.toMatchObject(occupied(name));
  expect(readFileSync(join(folder, 'out', name), 'utf8')).toBe('{"precious":true}');
});

test.each(['best.yaml', 'report.md', 'trials.jsonl'])('tune keeps a %s that it did not write', async (name) => {
  const folder = temporaryFolder({ [name]: 'precious' });
  const space = { 'train.learningRate': { low: 0.001, high: 0.1 } };
  const config = await loadTuneConfig(
    { data: 'data', model: 'mmoe', space, method: { kind: 'random', trials: 2 } },
    { models },
  );
  expect(() => claimFolder(folder, { config, hash: 'a' })).toThrow(expect.objectContaining(occupied(name)));
  rmSync(join(folder, name));
  claimFolder(folder, { config, hash: 'a' });
  writeFileSync(join(folder, name), 'of the search');
  claimFolder(folder, { config, hash: 'a' });
});

test('a synthetic world keeps rows and a truth that it did not write, and takes up its own after a kill', async () => {
  const folder = temporaryFolder({ 'synthetic.parquet': 'precious' });
  const make = () => recipes.synthetic.prepareConfig(folder, { rows: '200', users: 20 });
  await expect(make()).rejects.toMatchObject(occupied('synthetic.parquet'));
  const truth = join(folder, 'synthetic-truth.json');
  for (const text of ['precious', '{"id":1}', '[]']) {
    writeFileSync(truth, text);
    await expect(make()).rejects.toMatchObject(occupied('synthetic-truth.json'));
    expect(readFileSync(truth, 'utf8')).toBe(text);
  }
  expect(readFileSync(join(folder, 'synthetic.parquet'), 'utf8')).toBe('precious');
  writeFileSync(truth, '{"id":"unfinished 5"}');
  await make();
  expect(JSON.parse(readFileSync(truth, 'utf8')).rows).toBe(200);
});

test('weights are exported to a new file only', async () => {
  const folder = temporaryFolder({ 'authors.safetensors': 'precious' });
  const run = await makeRun(join(folder, 'run'), await prepareSmall(folder, 300), {
    train: { searchEpochs: 1, maxEpochs: 1 },
  });
  await trainWithStops(run);
  const path = join(folder, 'authors.safetensors');
  await expect(exportWeights(run, path)).rejects.toMatchObject(occupied('authors.safetensors'));
  expect(readFileSync(path, 'utf8')).toBe('precious');
});
