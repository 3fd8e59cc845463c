/** Weights with the names of a published implementation, moving averages included. */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openModel } from '../../src/inference/model/finished.ts';
import { exportWeights, importWeights } from '../../src/interop/exchange.ts';
import { readSafetensors, writeSafetensors } from '../../src/store/safetensors.ts';
import type { StoredTensor } from '../../src/store/tensors.ts';
import { expectClose } from '../graph/support.ts';
import { temporaryFolder } from '../train/support.ts';

const temporary = temporaryFolder();
afterAll(() => temporary.remove());
const at = (...names: string[]): string => join(temporary.path, ...names);

const fixture = (name: string) => {
  const path = `test/fixtures/models/aesm2/${name}`;
  const { config } = JSON.parse(readFileSync(`${path}.json`, 'utf8'));
  return { path, config, tensors: readSafetensors(`${path}.safetensors`).tensors };
};

const imported = (path: string, weights = `${path}.safetensors`): string => {
  rmSync(at('run'), { recursive: true, force: true });
  const place = { folder: at('run') };
  return importWeights({ model: 'aesm2', weights, config: `${path}.json`, place });
};

test.each(['official-eval', 'tree-eval'])('%s scores as its authors do, and comes back whole', async (name) => {
  const { path, config, tensors } = fixture(name);
  const run = imported(path);
  const numbers = (tensor: string): number[] => Array.from((tensors.get(tensor) as StoredTensor).data, Number);
  const [size, fields] = (tensors.get('input.ids') as StoredTensor).shape;
  const levels: number[] = config.scenarios;
  const paths = numbers('input.scenario'); // [size, levels]
  const scenario = Array.from({ length: size }, (_, row) =>
    levels.reduce((id, count, l) => id * count + paths[row * levels.length + l], 0),
  );
  // Ids of a data set of ours begin with padding, so rows with id 0 mean something else there.
  const ids = numbers('input.ids');
  const rows = scenario.map((_, row) => row).filter((row) => ids[row * fields] !== 0);
  expect(rows.length).toBeGreaterThan(size / 2);

  const model = await openModel(run, { batchSize: size, threads: 1 });
  const logits = await model.score({
    size,
    ids: Int32Array.from(ids),
    scenario: Int32Array.from(scenario),
    row: Int32Array.from(scenario.keys()),
  });
  await model.close();
  const expected = numbers('output.logits');
  const of = (all: ArrayLike<number>) =>
    rows.flatMap((row) => Array.from({ length: config.tasks }, (_, t) => all[row * config.tasks + t]));
  expectClose({ shape: [], data: of(logits) }, { shape: [], data: of(expected) }, 1e-5);

  await exportWeights(run, at(`${name}.safetensors`));
  const back = readSafetensors(at(`${name}.safetensors`)).tensors;
  const held = [...tensors].filter(([key]) => /^(param|buffer)\./.test(key));
  expect([...back.keys()].sort()).toEqual(held.map(([key]) => key.replace(/^param\./, '')).sort());
  for (const [key, { shape, data }] of held) {
    const found = back.get(key.replace(/^param\./, ''));
    expect(found?.shape, key).toEqual(shape);
    expect(found?.data, key).toEqual(data);
  }

  // A file without marks says the same.
  expect(imported(path, at(`${name}.safetensors`))).toBe(run);
});

test('a moving average that is missing is named', () => {
  const { path, tensors } = fixture('eval');
  const name = 'buffer.task.0.expert.fc0.running_var';
  writeSafetensors(
    at('without.safetensors'),
    [...tensors].filter(([key]) => key !== name),
  );
  expect(() => imported(path, at('without.safetensors'))).toThrow(
    expect.objectContaining({
      code: 'IMPORT_MISMATCH',
      message: expect.stringContaining(`${name} is missing: expected [6,16]`),
    }),
  );
});

test('a model that is not there, or that has no published layout, is refused', () => {
  const { path } = fixture('eval');
  const refused = (model: string) => () =>
    importWeights({ model, weights: `${path}.safetensors`, config: `${path}.json`, place: { folder: at('none') } });
  expect(refused('aesm3')).toThrow(expect.objectContaining({ code: 'MODEL_UNKNOWN' }));
  expect(refused('cross-stitch')).toThrow(
    expect.objectContaining({ code: 'IMPORT_UNSUPPORTED', message: expect.stringContaining('aesm2') }),
  );
});
