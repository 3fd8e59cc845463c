/** Behaviour sequences: SQL and the row encoder against a plain reading of the rule. */
import { readFileSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { encodeFile } from '../../../src/data/predict/encode-file.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { readStatistics } from '../../../src/data/prepare/result-folder.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { dataset, failure, readParquetRows, temporaryFolder } from '../support.ts';
import {
  ALL_TRAIN,
  CONFIG,
  type Event,
  expectLastItems,
  lastingFolder,
  prepareLog,
  readSequences,
} from './sequence-log.ts';

describe('sequences', () => {
  test('are the last items before the row, by SQL and by the row encoder', () => expectLastItems(1));

  // user a: x at 1, y and z at 2, x at 3, y at 4; all liked but the last.
  const EVENTS: Event[] = [
    { user: 'a', item: 'x', time: 1, rating: 5 },
    { user: 'a', item: 'z', time: 2, rating: 5 },
    { user: 'a', item: 'y', time: 2, rating: 4 },
    { user: 'b', item: 'z', time: 2, rating: 4 },
    { user: 'a', item: 'x', time: 3, rating: 4 },
    { user: 'a', item: 'y', time: 4, rating: 1 },
  ];

  let shared: PreparedData;
  beforeAll(async () => {
    shared = await prepareLog(EVENTS, ALL_TRAIN, {}, lastingFolder);
  });
  afterAll(() => rmSync(dirname(shared.folder), { recursive: true }));

  test('worked out by hand, in the Parquet file and in batches', async () => {
    // Vocabulary: x 2, y 3, z 4 (twice each); the table ids of items start at 8, after six numbers and two reserved ids.
    const rows = await readParquetRows(join(shared.folder, 'train.parquet'));
    expect(rows.map((row) => row.sequence_liked)).toEqual([[], [2], [2], [], [2, 4, 3], [4, 3, 2]]);
    expect(rows.map((row) => row.sequence_disliked)).toEqual([[], [], [], [], [], []]);
    const none = [8, 8, 8];
    const liked = [none, [10, 8, 8], [10, 8, 8], none, [10, 12, 11], [12, 11, 10]];
    expect(readStatistics(shared.folder)?.sequences).toMatchObject([
      { type: 'liked', perSplit: { train: { empty: 2, items: 8, outOfVocabulary: 0 }, test: { empty: 0, items: 0 } } },
      { type: 'disliked', perSplit: { train: { empty: 6, items: 0 } } },
    ]);
    expect((await readSequences(shared)).map(({ ids }) => ids)).toEqual(liked.map((ids) => [...ids, ...none]));
  });

  test('under a split that is not by their time, rows outside training feed nobody', async () => {
    const parts = "CASE WHEN number IN (1, 4) THEN 'validation' WHEN number = 5 THEN 'test' ELSE 'train' END";
    const data = await prepareLog(EVENTS, { kind: 'column', column: parts });
    const rows = await readSequences(data);
    expect(rows.map(({ ids }) => ids.slice(0, 3).map((id) => Math.max(0, id - 8)))).toEqual([
      [0, 0, 0],
      [2, 0, 0],
      [2, 0, 0],
      [0, 0, 0],
      [2, 3, 0],
      [2, 3, 0],
    ]);
  });

  test('hashed items, and a data set without sequences beside one with', async () => {
    const fields = [CONFIG.fields[0], { name: 'item', kind: 'categorical' as const, hash: 50 }];
    const data = await prepareLog(EVENTS, ALL_TRAIN, { fields });
    const encoder = await openRowEncoder(data);
    const ids = new Int32Array(6);
    encoder.encodeSequences({ liked: ['q', 'x', 'z', 'y'] }, ids);
    expect((await readSequences(data))[4].ids).toEqual([...ids]);

    const plain = await prepareLog(EVENTS, ALL_TRAIN, { sequences: undefined });
    expect(plain.manifest).not.toHaveProperty('sequences');
    const reader = await plain.open('train');
    for await (const batch of reader.batches({ batchSize: 4 })) expect(batch).not.toHaveProperty('sequences');
    await reader.close();
    expect((await openRowEncoder(plain)).sequences).toBeUndefined();
  });

  test('rows to be scored bring theirs, and get the ids of the row encoder', async () => {
    const lists = [
      { liked: ['x', 'y', 'z', 'x'], disliked: null },
      { liked: [], disliked: ['nobody knows it', null, 'z'] },
      { liked: ['y'], disliked: ['1'] },
    ];
    for (const hash of [undefined, 50]) {
      const fields = [CONFIG.fields[0], { name: 'item', kind: 'categorical' as const, hash }];
      const data = await prepareLog(EVENTS, ALL_TRAIN, { fields });
      const encoder = await openRowEncoder(data);
      const expected = lists.map((values) => {
        const ids = new Int32Array(6);
        encoder.encodeSequences(values, ids);
        return [...ids];
      });
      const asLists = lists.map(({ liked, disliked }) =>
        JSON.stringify({ number: 0, item: 'x', sequence_liked: liked, sequence_disliked: disliked }),
      );
      const asTexts = lists.map(({ liked, disliked }) => `0,x,${liked.join('|')},${(disliked ?? []).join('|')}`);
      const inputs = {
        'in.json': asLists.join('\n'),
        'in.csv': ['number,item,sequence_liked,sequence_disliked', ...asTexts].join('\n'),
      };
      for (const [name, content] of Object.entries(inputs)) {
        const folder = temporaryFolder({ [name]: content });
        const encoded = await encodeFile({ data, input: join(folder, name), work: join(folder, 'work') });
        for await (const { sequences } of encoded.reader.batches({ batchSize: 3 }))
          expect([...(sequences ?? [])], name).toEqual(expected.flat());
        await encoded.close();
      }
    }
  });

  test('rows to be scored without lists are refused', async () => {
    const folder = temporaryFolder({ 'in.csv': 'number,item,sequence_liked\n0,x,3\n' });
    const encode = (path: string) => encodeFile({ data: shared, input: path, work: join(folder, 'work') });
    expect((await failure(encode(join(folder, 'in.csv')))).message).toMatch(
      /"sequence_disliked" \(used by sequence "disliked"\)/,
    );
  });

  test('one item alone is a list of one', async () => {
    const folder = temporaryFolder({
      'in.json': '{"number":0,"item":"x","sequence_liked":3,"sequence_disliked":[]}',
      'list.json': '{"number":0,"item":"x","sequence_liked":["3"],"sequence_disliked":null}',
      'in.csv': 'number,item,sequence_liked,sequence_disliked\n0,x,3,\n',
    });
    const found: number[][] = [];
    for (const name of ['in.json', 'list.json', 'in.csv']) {
      const encoded = await encodeFile({ data: shared, input: join(folder, name), work: join(folder, 'work') });
      for await (const { sequences } of encoded.reader.batches({ batchSize: 3 })) found.push([...(sequences ?? [])]);
      await encoded.close();
    }
    expect(found).toEqual([found[0], found[0], found[0]]);
  });

  test('the encoder names what is no list and no type', async () => {
    const encoder = await openRowEncoder(shared);
    const ids = new Int32Array(6);
    expect(() => encoder.encodeSequences({ liked: 'x' }, ids)).toThrow(/sequence "liked": found "x"; expected a list/);
    expect(() => encoder.encodeSequences({ loved: [] }, ids)).toThrow(
      /"loved": found an unknown type; expected one of liked, disliked/,
    );
    expect(() => encoder.encodeSequences({ liked: [{ id: 1 }] }, ids)).toThrow(
      /field "item": found a value of type object/,
    );
  });

  test('the example in the documentation can be prepared', async () => {
    const page = readFileSync(join(import.meta.dirname, '../../../docs/data.md'), 'utf8');
    const example = parse(/```yaml\n(# log\.yaml.*?)```/s.exec(page)?.[1] ?? '') as DatasetInput;
    const lines = Array.from(
      { length: 30 },
      (_, i) => `u${i % 2},i${i % 7},${1 + (i % 5)},${i},${i % 3 ? 'home' : 'search'}`,
    );
    const folder = temporaryFolder({ 'log.csv': `user,item,rating,seen_at,page\n${lines.join('\n')}\n` });
    const { manifest } = await prepare({ config: dataset(example), sourceFolder: folder, out: join(folder, 'out') });
    expect(manifest.sequences).toEqual({
      itemField: 'item',
      length: 20,
      types: ['liked', 'disliked'],
      from: 'earlier rows',
    });
    // The last row, of u1 at 29, rated 5, sees u1's rows 1, 3 ... 27: those of i % 5 = 3 or 4 liked, the others not.
    const last = (await readParquetRows(join(folder, 'out/test.parquet'))).at(-1);
    expect([last?.sequence_liked, last?.sequence_disliked]).toMatchObject([{ length: 5 }, { length: 9 }]);
  });

  test('expressions that do not fit are named', async () => {
    const at = async (sequences: object) => {
      const e = await failure(
        prepareLog(EVENTS, undefined, { sequences: { ...CONFIG.sequences, ...sequences } as never }),
      );
      return e.message;
    };
    expect(await at({ time: '[seen]' })).toMatch(/sequences\.time: .*BIGINT\[\] is not a time/);
    expect(await at({ types: { liked: "'yes'" } })).toMatch(/sequences\.types\.liked: .*expected true or false/);
    expect(await at({ key: 'usr' })).toMatch(/"usr" \(used by sequences\.key\): did you mean "user"/);
    expect(() => dataset({ ...CONFIG, sequences: { ...CONFIG.sequences, item: 'time' } as never })).toThrow(
      /no categorical field/,
    );
  });
});
