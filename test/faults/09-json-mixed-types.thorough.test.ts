import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { scoreIds } from '../data/predict/score-ids.ts';
import { temporaryFolder } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('09-json-mixed-types');

async function prepared(folder: string) {
  const out = join(temporaryFolder(), 'data');
  await prepare({ config: await loadDatasetConfig(join(folder, 't.yaml')), sourceFolder: folder, out });
  return openPrepared(out);
}

test('numbers and texts of one key are tokens without quotation marks', async () => {
  const data = await prepared(FAULT);
  const lines = readFileSync(join(FAULT, 'log.jsonl'), 'utf8').trim().split('\n');
  const users = new Set(lines.map((line) => String((JSON.parse(line) as { user: unknown }).user)));
  const tokens = (await data.tokens('user')).slice(2);
  expect(tokens.filter((token) => !users.has(token))).toEqual([]);
  expect(tokens).toContain('guest-12');
  expect(tokens).toContain('17');
});

test('lists of numbers and lists of their texts are the same items, in files of one kind and of both', async () => {
  const folder = join(FAULT, 'seq');
  const data = await prepared(folder);
  const { sequences, rows } = await scoreIds(data, join(folder, 'in.jsonl'));
  const other = await scoreIds(data, join(folder, 'in2.jsonl'));
  expect(sequences.at(-1)).toEqual(other.sequences.at(-1));
  expect(rows).toHaveLength(7);
  const { offset } = data.manifest.fields[1];
  const ids = sequences.map((sequence) => sequence.map((id) => id - offset));
  const of = async (...items: string[]) => {
    const tokens = await data.tokens('item');
    return [...items.map((item) => Math.max(1, tokens.indexOf(item))), ...Array(4 - items.length).fill(0)];
  };
  expect(ids).toEqual([
    await of('3', '4', '5', '6'),
    await of(),
    await of('5'),
    await of('999'),
    await of('1', '', '2').then(([first, , second]) => [first, 1, second, 0]),
    await of(),
    await of('1', '2', '3'),
  ]);
});
