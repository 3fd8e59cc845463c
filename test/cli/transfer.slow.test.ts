/** `transfer` on a synthetic world: from its labels, and from a model trained for a moment. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type TransferDocument, transferSchema } from '../../src/documents/transfer.ts';
import { tributary } from './spawn.ts';

let folder: string;
let data: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'tributary-'));
  data = join(folder, 'data');
  const rare = ['--set', 'shares=[45,45,10]', '--set', 'noiseFlows=[{"scenario":2,"task":0,"flow":1}]'];
  const world = ['--rows', '40000', '--seed', '909', '--source', join(folder, 'world'), '--out', data];
  expect(tributary(['prepare', 'synthetic', ...world, ...rare]).code).toBe(0);
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

function resultOf(words: string[]): TransferDocument {
  const { code, out } = tributary(['transfer', ...words, '--json']);
  expect(code).toBe(0);
  const { event, ...document } = JSON.parse(out.trim().split('\n').at(-1) as string);
  expect(event).toBe('result');
  return transferSchema.parse(document);
}

test('from labels: the planted exception is what sharing everything gets wrong; the page says it too', () => {
  const { source, rows, validationRows, flows, cells } = resultOf([data]);
  expect([source, rows, validationRows, cells.length]).toEqual(['labels', 32_000, 4000, 6]);
  const negative = flows.filter((line) => line.negative);
  expect(negative).toMatchObject([{ scenario: 'detail', task: 'click', flow: 1, verdict: 'useless' }]);
  const { code, out } = tributary(['transfer', data, '--markdown']);
  expect(code).toBe(0);
  expect(out).toMatch(/^# Transfer\n[\s\S]*Negative transfer in 1 of[\s\S]*\n\| scenario \| task \| rows \|/);
});

test('from a run, against itself: no difference; --against needs a run', () => {
  const run = join(folder, 'run');
  const sets = ['train.maxEpochs=1', 'train.batchSize=1024'].flatMap((entry) => ['--set', entry]);
  const { code, err } = tributary(['train', '--data', data, '--model', 'shared-bottom', '--out', run, ...sets]);
  expect(code, err).toBe(0);
  const document = resultOf([run, '--against', run]);
  expect([document.source, document.run, document.against]).toEqual(['model', run, run]);
  for (const { models } of document.cells)
    expect(models).toMatchObject({ verdict: 'undecided', aucChange: { value: 0, low: 0, high: 0 } });
  for (const { measured } of document.flows) expect(measured?.model.value ?? 0).toBeLessThan(2);
  const refused = tributary(['transfer', data, '--against', run]);
  expect(refused.code).toBe(2);
  expect(refused.err).toMatch(/--against compares two runs, and .*data is a prepared data set: name a run/);
});
