/** Sequences that rows bring along: preparation, prediction and the row encoder agree on them. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { validate } from '../../../src/data/checks/validate.ts';
import { encodeFile } from '../../../src/data/predict/encode-file.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { readStatistics } from '../../../src/data/prepare/result-folder.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { openDuckDB } from '../../../src/data/sql/duckdb.ts';
import { literal } from '../../../src/data/sql/text.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { dataset, failure, temporaryFolder } from '../support.ts';
import { readSequences } from './sequence-log.ts';

/** What the rows bring: longer than kept, unseen, missing, empty, not ASCII, numbers; twice the same. */
const LISTS: { liked: (string | null)[] | null; disliked: (string | null)[] | null }[] = [
  { liked: ['x', 'y', 'z', 'x', 'y'], disliked: null },
  { liked: [], disliked: ['nobody knows it', null, 'z'] },
  { liked: ['né\u0301e', '1'], disliked: ['z', 'z'] },
  { liked: ['x', 'y', 'z', 'x', 'y'], disliked: ['', 'z'] },
  { liked: [null], disliked: ['1', 'x', '北京', 'y', null] },
];
const ITEMS = ['x', 'y', '1', 'née', 'né\u0301e'];

const config = (path: string, hash?: number): DatasetInput => ({
  name: 'log',
  sources: { log: { path } },
  fields: [
    { name: 'number', kind: 'categorical' },
    { name: 'item', kind: 'categorical', hash },
  ],
  scenario: { expression: '0', values: [0] },
  tasks: [{ name: 'like', label: 'number % 2' }],
  sequences: { item: 'item', length: 3, given: { liked: 'likes', disliked: 'list_reverse(passes)' } },
  split: { kind: 'column', column: "CASE WHEN number = 4 THEN 'test' ELSE 'train' END" },
  vocabulary: { from: 'all' },
});

const rows = LISTS.map(({ liked, disliked }, number) => ({
  number,
  item: ITEMS[number],
  likes: liked,
  passes: disliked?.slice().reverse() ?? null,
}));

const lines = (values: readonly object[]): string => values.map((value) => JSON.stringify(value)).join('\n');

test.each([undefined, 50])(
  'lists of JSON and Parquet have the ids of the row encoder, also predicted (hash %s)',
  async (hash) => {
    const folder = temporaryFolder({ 'log.json': lines(rows) });
    const { connection, close } = await openDuckDB({ access: { folders: [folder] } });
    const [json, parquet] = [join(folder, 'log.json'), join(folder, 'log.parquet')];
    await connection.run(`COPY (FROM read_json(${literal(json)})) TO ${literal(parquet)}`);
    close();
    for (const path of ['log.json', 'log.parquet']) {
      const out = join(folder, `${path} data`);
      const { manifest } = await prepare({ config: dataset(config(path, hash)), sourceFolder: folder, out });
      expect(manifest.sequences).toEqual({
        itemField: 'item',
        length: 3,
        types: ['liked', 'disliked'],
        from: 'given lists',
      });
      const data = await openPrepared(out);
      const encoder = await openRowEncoder(data);
      const expected = LISTS.map((values) => {
        const ids = new Int32Array(6);
        encoder.encodeSequences(values, ids);
        return [...ids];
      });
      const found = await readSequences(data);
      expect(
        found.map(({ ids }) => ids),
        path,
      ).toEqual(expected);
      const encoded = await encodeFile({ data, input: join(folder, path), work: join(folder, 'work') });
      for await (const { sequences } of encoded.reader.batches({ batchSize: 9 }))
        expect([...(sequences ?? [])], path).toEqual(expected.flat());
      await encoded.close();
      expect(readStatistics(out)?.sequences).toMatchObject([
        {
          type: 'liked',
          perSplit: { train: { empty: 1, items: 8 }, test: { empty: 0, items: 1, outOfVocabulary: 1 } },
        },
        { type: 'disliked', perSplit: { train: { empty: 1, items: 7 }, test: { empty: 0, items: 3 } } },
      ]);
    }
  },
);

test('texts of CSV files, with | between the items', async () => {
  const csv = ['number,item,likes', ...LISTS.slice(0, 3).map(({ liked }, n) => `${n},${ITEMS[n]},${liked?.join('|')}`)];
  const folder = temporaryFolder({ 'log.csv': csv.join('\n') });
  const given: DatasetInput = {
    ...config('log.csv'),
    sequences: { item: 'item', length: 3, given: { liked: 'likes' } },
    split: { kind: 'column', column: "'train'" },
  };
  const checked = await validate(dataset(given), folder);
  expect(checked.filter(({ check }) => check === 'sequences')).toEqual([
    {
      check: 'sequences',
      level: 'pass',
      message: 'liked: up to 3 items of field "item" each, of the lists that rows bring',
    },
  ]);
  await prepare({ config: dataset(given), sourceFolder: folder, out: join(folder, 'out') });
  const data = await openPrepared(join(folder, 'out'));
  const encoder = await openRowEncoder(data);
  const ids = new Int32Array(3);
  for await (const { size, sequences } of data.batches('train'))
    for (let row = 0; row < size; row++) {
      encoder.encodeSequences({ liked: LISTS[row].liked }, ids);
      expect([...(sequences ?? [])].slice(3 * row, 3 * row + 3)).toEqual([...ids]);
    }
});

test('mistakes are named', async () => {
  const folder = temporaryFolder({ 'log.json': lines(rows) });
  const at = async (given: Record<string, string>) => {
    const input: DatasetInput = { ...config('log.json'), sequences: { item: 'item', given } };
    return (await failure(prepare({ config: dataset(input), sourceFolder: folder, out: join(folder, 'out') }))).message;
  };
  expect(await at({ liked: 'number' })).toMatch(/sequence "liked": .*expected a list of items.*BIGINT/);
  expect(await at({ liked: 'lykes' })).toMatch(/"lykes" \(used by sequence "liked"\): did you mean "likes"/);
  const both = { ...config('log.json'), sequences: { item: 'item', key: 'number', given: { liked: 'likes' } } };
  expect(() => dataset(both)).toThrow(/rows bring their sequences .*leave key, time and types out/);
  const neither = { ...config('log.json'), sequences: { item: 'item', time: 'number', types: { liked: 'true' } } };
  expect(() => dataset(neither)).toThrow(/is missing: expected text, or .*in place of key, time and types/);
  const empty = { ...config('log.json'), sequences: { item: 'item', given: { liked: "''" } } };
  const findings = await validate(dataset(empty), folder);
  expect(findings.filter(({ check }) => check === 'sequences')).toMatchObject([
    { level: 'warn', message: `no row brings items of type "liked" ('')` },
  ]);
});
