/** Fixtures that prepare data or train: seconds each. */
import { join } from 'node:path';
import { beforeEach, describe, expect, test } from 'vitest';
import { runParity } from '../../src/parity/index.ts';
import type { StoredTensor } from '../../src/store/tensors.ts';
import { tributary } from '../cli/spawn.ts';
import { temporaryFolder } from '../store/temporary.ts';
import { type Content, copyFixture, FIXTURES, float } from './make.ts';
import { makePipelineFixture, type Training } from './make-pipeline.ts';
import type { Sizes } from './reference.ts';

let folder: string;
beforeEach(() => {
  folder = temporaryFolder();
});

describe('a whole training', () => {
  test("the repository's fixture agrees far inside its tolerance", async () => {
    const { rows } = await runParity(FIXTURES, { only: 'models/autoifs/pipeline' });
    expect(rows).toMatchObject([{ status: 'pass', note: expect.stringContaining('20 validation rows') }]);
    expect(rows[0].worst).toBeLessThan(0.01);
  });

  test.each([
    ['the epoch of the stop', ({ json }: Content) => void json.early_stop_epoch++, 'early_stop_epoch'],
    [
      'a weight',
      ({ tensors }: Content) => {
        float(tensors, 'retrain_best.T_bias.0')[0] += 0.01;
      },
      'retrain_best.T_bias.0',
    ],
    [
      'a rate of the search',
      ({ json }: Content) => {
        json.config.final_temp = 50;
      },
      '',
    ],
  ])('%s that is wrong is found', async (_, change, where) => {
    copyFixture('models/autoifs/pipeline', folder, 'changed', change);
    const { rows } = await runParity(folder);
    expect(rows[0].worst).toBeGreaterThan(1);
    expect(rows[0].where).toContain(where);
  });

  const SIZES: Sizes = { rows: 0, vocab: [5, 4, 3], dim: 2, scenarios: 2, tasks: 2, mlp: [5, 4, 3], rank: 1 };
  const TRAINING: Training = {
    batch: 8,
    train: 20,
    valid: 30,
    lr: 0.02,
    l2: 1e-4,
    r_lr: 0.01,
    r_l2: 1e-3,
    search_epochs: 3,
    rewind: 1,
    final_temp: 20,
    max_epochs: 4,
    lambda: [0.05, 0.01],
  };
  test.each([
    ['a short last batch', TRAINING, false],
    ['a last batch that runs on', TRAINING, true],
    ['full batches, one search epoch more', { ...TRAINING, train: 24, search_epochs: 4, rewind: 3 }, false],
  ])('of another size, from a float64 reference: %s', async (_, training, runOn) => {
    makePipelineFixture(folder, 'made', SIZES, training, 4, runOn);
    const { rows } = await runParity(folder);
    expect(rows[0]).toMatchObject({ status: 'pass' });
    expect(rows[0].worst).toBeLessThan(0.2);
    expect(rows[0].note !== undefined).toBe(runOn);
  });
});

describe('preparation', () => {
  test.each([
    [
      'a label',
      ({ tensors }: Content) => {
        float(tensors, 'valid.labels')[3] = 1 - float(tensors, 'valid.labels')[3];
      },
      'valid.labels[3]',
    ],
    ['two rows swapped', ({ tensors }: Content) => swapRows(tensors, 'train', 0, 1), 'train'],
    [
      'an id of another token',
      ({ tensors }: Content) => {
        (tensors.get('test.ids')?.data as Int32Array)[2] ^= 1;
      },
      'test.ids of gender',
    ],
    [
      'another token',
      ({ json }: Content) => {
        json.vocabulary.gender = { F: 54, X: 55 };
      },
      'gender',
    ],
    [
      'a threshold that drops tokens',
      ({ json }: Content) => {
        json.threshold = 20;
      },
      'user_id',
    ],
    ['a count', ({ json }: Content) => void json.kept_tokens_per_field.zip++, 'kept_tokens_per_field.zip'],
  ])('%s that is wrong is found', async (_, change, where) => {
    copyFixture('preparation/ml-1m-mini', folder, 'changed', change);
    const { rows } = await runParity(folder);
    expect(rows[0].status).toBe('fail');
    expect(rows[0].where).toContain(where);
  });
});

function swapRows(tensors: Content['tensors'], part: string, a: number, b: number): void {
  for (const kind of ['ids', 'labels', 'scenario']) {
    const { data, shape } = tensors.get(`${part}.${kind}`) as StoredTensor;
    const width = shape[1] ?? 1;
    const [first, second] = [a, b].map((row) => data.slice(row * width, (row + 1) * width));
    (data as Float32Array).set(second as Float32Array, a * width);
    (data as Float32Array).set(first as Float32Array, b * width);
  }
}

test('the command prints a row for each fixture and ends with 0 or 1', () => {
  copyFixture('rules/metrics', folder, 'good');
  copyFixture('rules/random-split', folder, 'wrong', ({ json }) => void json.cases[0].seed++);
  const all = tributary(['parity', folder]);
  expect(all.code).toBe(1);
  expect(all.out).toMatch(/^pass {2}good .*\nfail {2}wrong .* worst +inf .*train of 10 rows/);
  const one = tributary(['parity', folder, '--only', 'g*', '--json']);
  expect(one.code).toBe(0);
  expect(
    one.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { event: 'fixture', fixture: 'good', status: 'pass' },
    { event: 'result', ok: true, fixtures: 1 },
  ]);
  expect(tributary(['parity', join(folder, 'nowhere')])).toMatchObject({
    code: 2,
    err: expect.stringContaining('FILE_MISSING'),
  });
});
