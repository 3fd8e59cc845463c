import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { sha256 } from '../../../src/base/hash.ts';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { type PrepareOptions, prepare } from '../../../src/data/prepare/prepare.ts';
import { readStatistics } from '../../../src/data/prepare/result-folder.ts';
import { openPrepared, verifyPrepared } from '../../../src/data/prepared/open.ts';
import { HEADER_BYTES } from '../../../src/data/prepared/write-records.ts';
import { dataset, failure, readParquetRows, temporaryFolder } from '../support.ts';

const SMALL: DatasetInput = {
  name: 'small',
  sources: { t: { path: 't.csv' } },
  fields: [
    { name: 'user', kind: 'categorical' },
    { name: 'price', kind: 'numeric', buckets: { edges: [10, 20] } },
  ],
  scenario: { expression: 'page', values: ['home', 'search'] },
  tasks: [
    { name: 'click', label: 'click' },
    { name: 'buy', label: "CASE WHEN page = 'home' THEN buy END" },
  ],
  split: { kind: 'column', column: 'part' },
};
const ROWS = `user,price,page,click,buy,part
u1,5,home,1,0,train
u2,15,search,0,0,train
u1,25,home,1,1,train
u3,,search,0,1,validation
u1,10,home,1,1,test
,20,home,0,0,test
`;

async function run(input: DatasetInput, files: Record<string, string>, options: Partial<PrepareOptions> = {}) {
  const folder = temporaryFolder(files);
  const out = join(folder, 'out');
  return { source: folder, out, ...(await prepare({ config: dataset(input), sourceFolder: folder, out, ...options })) };
}
const problem = async (input: DatasetInput, files: Record<string, string>) => {
  const folder = temporaryFolder(files);
  const e = await failure(prepare({ config: dataset(input), sourceFolder: folder, out: join(folder, 'out') }));
  expect(readdirSync(folder).sort()).toEqual(Object.keys(files).sort()); // nothing is left behind
  return e;
};

describe('prepare', () => {
  test('encodes rows, worked out by hand', async () => {
    const { out, manifest } = await run(SMALL, { 't.csv': ROWS });
    // Vocabulary of the train rows: u1 (2), u2 (1); buckets 0, 1, 2 of one row each, in the order of their text.
    expect(await readParquetRows(join(out, 'vocabularies/user.parquet'))).toEqual([
      { token: 'u1', id: 2, count: 2n },
      { token: 'u2', id: 3, count: 1n },
    ]);
    expect(await readParquetRows(join(out, 'train.parquet'))).toEqual([
      { field_user: 2, field_price: 2, scenario: 0, label_click: 1, label_buy: 0 },
      { field_user: 3, field_price: 3, scenario: 1, label_click: 0, label_buy: null },
      { field_user: 2, field_price: 4, scenario: 0, label_click: 1, label_buy: 1 },
    ]);
    expect(await readParquetRows(join(out, 'validation.parquet'))).toEqual([
      { field_user: 1, field_price: 1, scenario: 1, label_click: 0, label_buy: null },
    ]);
    expect(await readParquetRows(join(out, 'test.parquet'))).toEqual([
      { field_user: 2, field_price: 3, scenario: 0, label_click: 1, label_buy: 1 },
      { field_user: 1, field_price: 4, scenario: 0, label_click: 0, label_buy: 0 },
    ]);
    expect(manifest.fields).toEqual([
      { name: 'user', kind: 'categorical', offset: 0, size: 4, slots: 1, pooling: 'mean' },
      { name: 'price', kind: 'numeric', offset: 4, size: 5, slots: 1, pooling: 'mean', edges: [10, 20] },
    ]);
    expect(manifest).toMatchObject({
      tableRows: 9,
      scenarios: ['home', 'search'],
      tasks: ['click', 'buy'],
      hasWeight: false,
      hasGroup: false,
    });
  });

  test('counts what is there', async () => {
    const { out, statistics } = await run({ ...SMALL, where: "user IS NULL OR user <> 'u2'" }, { 't.csv': ROWS });
    expect(statistics.rows).toEqual({ train: 2, validation: 1, test: 2 });
    expect(statistics.leftOut).toBe(1);
    expect(readStatistics(out)).toEqual(statistics);
    expect(statistics.fields[0]).toEqual({
      field: 'user',
      cardinality: 1,
      perSplit: {
        train: { missing: 0, outOfVocabulary: 0, values: 2, outOfVocabularyShare: 0 },
        validation: { missing: 0, outOfVocabulary: 1, values: 1, outOfVocabularyShare: 1 },
        test: { missing: 1, outOfVocabulary: 1, values: 2, outOfVocabularyShare: 0.5 },
      },
    });
    expect(statistics.cells.filter((c) => c.split !== 'test' && c.task === 'buy')).toEqual([
      { split: 'train', scenario: 'home', task: 'buy', rows: 2, positives: 1, unlabelled: 0 },
      { split: 'train', scenario: 'search', task: 'buy', rows: 0, positives: 0, unlabelled: 0 },
      { split: 'validation', scenario: 'home', task: 'buy', rows: 0, positives: 0, unlabelled: 0 },
      { split: 'validation', scenario: 'search', task: 'buy', rows: 1, positives: 0, unlabelled: 1 },
    ]);
  });

  test('a rare token is out of vocabulary; numbers are exempt unless they say so', async () => {
    const { manifest } = await run({ ...SMALL, vocabulary: { minCount: 2 } }, { 't.csv': ROWS });
    expect(manifest.fields.map((f) => f.size - 2)).toEqual([1, 3]);
    const own = {
      ...SMALL,
      fields: [
        { name: 'user', kind: 'categorical' as const, minCount: 1 },
        { name: 'price', kind: 'numeric' as const, minCount: 2 },
      ],
    };
    expect(
      (await run({ ...own, vocabulary: { from: 'all', minCount: 9 } }, { 't.csv': ROWS })).manifest.fields.map(
        (f) => f.size - 2,
      ),
    ).toEqual([3, 0]);
  });

  test('weights, groups and batches', async () => {
    const { out } = await run(
      { ...SMALL, weight: 'price + 1', group: 'user', where: 'price IS NOT NULL' },
      { 't.csv': ROWS },
    );
    const data = await openPrepared(out);
    const reader = await data.open('test');
    for await (const batch of reader.batches({ batchSize: 10 })) {
      expect(batch.size).toBe(2);
      // The groups u1, u2 were numbered by first appearance; a row without a user is in none.
      expect([...batch.group]).toEqual([0, -1]);
      expect([...batch.weight]).toEqual([11, 21]);
      expect([...batch.ids]).toEqual([2, 4 + 3, 1, 4 + 4]);
      expect([...batch.labels]).toEqual([1, 1, 0, 0]);
    }
    await reader.close();
    expect(await data.tokens('user')).toEqual(['', '', 'u1', 'u2']);
  });

  test('processed order: groups of first appearance, step by step', async () => {
    const rows = ['m2,a', 'm1,b', 'm2,b', 'm1,a', 'm3,b'];
    const { out } = await run(
      {
        name: 'order',
        sources: { t: { path: 't.csv' }, m: { path: 'm.csv' } },
        from: 't',
        joins: [{ source: 'm', on: { movie: 'id' } }],
        groupRowsBy: ['movie', 'user'],
        fields: [{ name: 'n', kind: 'categorical' }],
        scenario: { expression: '0', values: [0] },
        tasks: [{ name: 'click', label: '1' }],
        weight: 'n',
        split: { kind: 'column', column: "'train'" },
      },
      {
        't.csv': `movie,user,n\n${rows.map((r, i) => `${r},${i + 1}`).join('\n')}\n`,
        'm.csv': 'id,title\nm1,x\nm2,y\nm3,z\n',
      },
    );
    // By movie: m2 (1 3), m1 (2 4), m3 (5). Then by user: a (1 4), b (3 2 5).
    expect((await readParquetRows(join(out, 'train.parquet'))).map((r) => r.weight)).toEqual([1, 4, 3, 2, 5]);
  });

  test('equal data and configuration give equal bytes', async () => {
    const rows = Array.from(
      { length: 5000 },
      (_, i) => `u${(i * 7919) % 611},${(i * 31) % 40},${i % 3 ? 'home' : 'search'},${i % 2},1,train`,
    );
    const files = { 't.csv': `user,price,page,click,buy,part\n${rows.join('\n')}\n` };
    const random = { ...SMALL, split: { kind: 'random' as const } };
    const [one, two] = [await run(random, files), await run(random, files)];
    expect(one.manifest.hash).toBe(two.manifest.hash);
    expect((await run(random, files, { seed: 1 })).manifest.hash).not.toBe(one.manifest.hash);
  });
});

describe('splits', () => {
  const parts = async (input: DatasetInput, rows: string[]) => {
    const { out } = await run({ ...input, weight: 'n + 1' }, { 't.csv': `n,t,k\n${rows.join('\n')}\n` });
    const [train, validation, test] = await Promise.all(
      ['train', 'validation', 'test'].map(async (split) =>
        (await readParquetRows(join(out, `${split}.parquet`))).map((r) => Number(r.weight) - 1),
      ),
    );
    return { train, validation, test };
  };
  const base: DatasetInput = {
    name: 'split',
    sources: { t: { path: 't.csv' } },
    fields: [{ name: 'k', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: '1' }],
  };

  test('by time: rows of one time stay together, rows keep their order', async () => {
    // Ten rows, borders after 8 and 9 of them: time 4 holds the rows 8 and 9 in order of time, so both are validation.
    const times = [3, 1, 2, 4, 1, 2, 3, 4, 1, 5];
    const split = { kind: 'time' as const, column: 't' };
    expect(
      await parts(
        { ...base, split },
        times.map((t, i) => `${i},${t},x`),
      ),
    ).toEqual({
      train: [0, 1, 2, 3, 4, 5, 6, 7, 8],
      validation: [],
      test: [9],
    });
    expect(
      await parts(
        { ...base, split: { ...split, ratios: [0.5, 0.3, 0.2] } },
        times.map((t, i) => `${i},${t},x`),
      ),
    ).toEqual({
      train: [1, 2, 4, 5, 8],
      validation: [0, 3, 6, 7],
      test: [9],
    });
  });

  test('by key: all rows of a key on one side, shares about as asked, another seed another side', async () => {
    const rows = Array.from({ length: 3000 }, (_, i) => `${i},0,k${i % 1000}`);
    const found = await parts({ ...base, split: { kind: 'key', column: 'k' } }, rows);
    const keys = (part: number[]) => new Set(part.map((n) => n % 1000));
    const [train, validation, test] = [keys(found.train), keys(found.validation), keys(found.test)];
    expect(train.size + validation.size + test.size).toBe(1000);
    expect(Math.abs(train.size - 800)).toBeLessThan(60); // standard deviation 13
    expect(Math.abs(validation.size - 100)).toBeLessThan(50);
    expect((await parts({ ...base, split: { kind: 'key', column: 'k', seed: 5 } }, rows)).train).not.toEqual(
      found.train,
    );
  });
});

describe('running again', () => {
  test('does nothing where nothing changed, and prepares anew where something did', async () => {
    const { source, out } = await run(SMALL, { 't.csv': ROWS });
    const again = (input = SMALL) => prepare({ config: dataset(input), sourceFolder: source, out });
    const written = statSync(join(out, 'manifest.json')).mtimeMs;
    expect((await again()).fresh).toBe(false);
    utimesSync(join(source, 't.csv'), 1, 1); // another time, the same content
    expect((await again()).fresh).toBe(false);
    expect(statSync(join(out, 'manifest.json')).mtimeMs).toBe(written);
    writeFileSync(join(source, 't.csv'), ROWS.replace('u2', 'u4'));
    const changed = await again();
    expect(changed.fresh).toBe(true);
    expect(await (await openPrepared(out)).tokens('user')).toEqual(['', '', 'u1', 'u4']);
    expect((await again({ ...SMALL, vocabulary: { minCount: 2 } })).fresh).toBe(true);
  });

  test('removes what a killed run left, and nothing else', async () => {
    const mark = `999999999-5-${sha256(hostname()).slice(0, 8)}-0`;
    const kept = [`other.writing-${mark}`, 'out.notes', 'out.preparing-999999999', 'out.replaced-999999999'];
    const folder = temporaryFolder({
      't.csv': ROWS,
      'out/manifest.json': '',
      [`out.writing-${mark}/rows/x`]: '',
      [`out.replaced-${mark}/x`]: '',
      [`out.discarded-${mark}/x`]: '',
      ...Object.fromEntries(kept.map((name) => [`${name}/x`, ''])),
    });
    rmSync(join(folder, 'out/manifest.json'));
    await prepare({ config: dataset(SMALL), sourceFolder: folder, out: join(folder, 'out') });
    expect(readdirSync(folder).sort()).toEqual([...kept, 'out', 't.csv'].sort());
    expect(readdirSync(join(folder, 'out')).sort()).toEqual([
      'manifest.json',
      'statistics.json',
      'test.parquet',
      'train.parquet',
      'validation.parquet',
      'vocabularies',
    ]);
  });

  test('refuses a folder that is something else', async () => {
    const folder = temporaryFolder({ 't.csv': ROWS, 'out/precious.txt': 'x', 'out/manifest.json': '{"version":1}' });
    const e = await failure(prepare({ config: dataset(SMALL), sourceFolder: folder, out: join(folder, 'out') }));
    expect(e.code).toBe('DATA_OUT_OCCUPIED');
    expect(e.message).toContain('precious.txt');
    expect(readFileSync(join(folder, 'out/precious.txt'), 'utf8')).toBe('x');
  });

  test.each(['notes.txt', 'vocabularies/mine.parquet', 'rows/mine.bin', 'mine/train.parquet', 'train.bin'])(
    'refuses to take %s away with an earlier data set',
    async (name) => {
      const { source, out, manifest } = await run(SMALL, { 't.csv': ROWS });
      await (await (await openPrepared(out)).open('train')).close();
      mkdirSync(dirname(join(out, name)), { recursive: true });
      writeFileSync(join(out, name), 'precious');
      writeFileSync(join(source, 't.csv'), ROWS.replace('u2', 'u4'));
      const again = (): Promise<unknown> => prepare({ config: dataset(SMALL), sourceFolder: source, out });
      const e = await failure(again());
      expect(e.code).toBe('DATA_OUT_OCCUPIED');
      expect(e.message).toContain(name.startsWith('mine/') ? 'mine' : name);
      expect(readFileSync(join(out, name), 'utf8')).toBe('precious');
      expect((await openPrepared(out)).manifest.hash).toBe(manifest.hash);
      rmSync(join(out, name.split('/').includes('mine') ? 'mine' : name), { recursive: true });
      await again();
    },
  );

  test.each(['openPrepared', 'prepare'])(
    '%s brings back what a process moved aside before it was killed',
    async (who) => {
      const { source, out, manifest } = await run(SMALL, { 't.csv': ROWS });
      const mark = `999999999-5-${sha256(hostname()).slice(0, 8)}-0`;
      renameSync(out, `${out}.replaced-${mark}`);
      mkdirSync(`${out}.writing-${mark}`); // the new one, whole or not
      if (who === 'prepare')
        expect((await prepare({ config: dataset(SMALL), sourceFolder: source, out })).fresh).toBe(false);
      expect((await openPrepared(out)).manifest.hash).toBe(manifest.hash);
      await verifyPrepared(out);
    },
  );

  test('goes to where a link leads', async () => {
    const { source, manifest } = await run(SMALL, { 't.csv': ROWS });
    const link = join(source, 'link');
    symlinkSync('out', link);
    writeFileSync(join(source, 't.csv'), ROWS.replace('u2', 'u4'));
    await prepare({ config: dataset(SMALL), sourceFolder: source, out: link });
    expect(lstatSync(link).isSymbolicLink()).toBe(true);
    expect((await openPrepared(join(source, 'out'))).manifest.hash).not.toBe(manifest.hash);
    expect(readdirSync(source).sort()).toEqual(['link', 'out', 't.csv']);
  });

  test.each(['train.parquet', 'vocabularies/price.parquet', 'statistics.json', 'manifest.json', 'rows/test.bin'])(
    'a damaged %s is prepared anew',
    async (name) => {
      const { source, out, manifest } = await run(SMALL, { 't.csv': ROWS });
      await (await (await openPrepared(out)).open('test')).close();
      const again = () => prepare({ config: dataset(SMALL), sourceFolder: source, out });
      expect((await again()).fresh).toBe(false);
      const bytes = readFileSync(join(out, name));
      bytes[150] ^= 1; // of the row file: the first record
      writeFileSync(join(out, name), bytes);
      expect(await again()).toMatchObject({ fresh: true, manifest: { hash: manifest.hash } });
      await verifyPrepared(out);
    },
  );

  test('statistics of another layout are not taken for ours', async () => {
    const { out, statistics } = await run(SMALL, { 't.csv': ROWS });
    expect(readStatistics(out)).toEqual(statistics);
    for (const other of [
      { ...statistics, cells: undefined },
      { ...statistics, labels: [] },
      { ...statistics, leftOut: '0' },
    ]) {
      writeFileSync(join(out, 'statistics.json'), JSON.stringify(other));
      expect(readStatistics(out)).toBeUndefined();
    }
  });

  test('an earlier data set survives a failed run', async () => {
    const { source, out, manifest } = await run(SMALL, { 't.csv': ROWS });
    writeFileSync(join(source, 't.csv'), ROWS.replace('u2,15,search,0', 'u2,15,search,2'));
    await failure(prepare({ config: dataset(SMALL), sourceFolder: source, out }));
    expect((await openPrepared(out)).manifest.hash).toBe(manifest.hash);
    expect(readdirSync(source).sort()).toEqual(['out', 't.csv']);
  });

  test('verifies files by their hashes', async () => {
    const { out } = await run(SMALL, { 't.csv': ROWS });
    await verifyPrepared(out);
    const path = join(out, 'vocabularies/user.parquet');
    const bytes = readFileSync(path);
    bytes[bytes.length >> 1] ^= 1;
    writeFileSync(path, bytes);
    expect((await failure(verifyPrepared(out))).code).toBe('CHECKSUM_MISMATCH');
  });

  test('a row file of another version of the data is written anew', async () => {
    const { out } = await run(SMALL, { 't.csv': ROWS });
    const path = join(out, 'rows/train.bin');
    const read = async () => {
      const reader = await (await openPrepared(out)).open('train');
      for await (const batch of reader.batches({ batchSize: 9 })) expect([...batch.ids]).toEqual([2, 6, 3, 7, 2, 8]);
      await reader.close();
    };
    await read();
    const bytes = readFileSync(path);
    bytes.fill('0', 0, 64); // the hash of another Parquet file
    bytes.fill(7, HEADER_BYTES);
    writeFileSync(path, bytes);
    await read();
  });
});

describe('extending vocabularies', () => {
  const tomorrow = `user,price,page,click,buy,part\nu9,5,home,1,0,train\nu2,100,search,0,0,train\nu0,5,home,1,0,train\nu9,1,home,1,0,test\n`;

  test('old ids stay, new tokens follow', async () => {
    const today = await run(SMALL, { 't.csv': ROWS });
    const next = await run(SMALL, { 't.csv': tomorrow }, { vocabularyFrom: today.out });
    expect(await readParquetRows(join(next.out, 'vocabularies/user.parquet'))).toEqual([
      { token: 'u1', id: 2, count: 0n },
      { token: 'u2', id: 3, count: 1n },
      { token: 'u0', id: 4, count: 1n },
      { token: 'u9', id: 5, count: 1n },
    ]);
    expect((await readParquetRows(join(next.out, 'train.parquet'))).map((r) => r.field_user)).toEqual([5, 3, 4]);
    expect(next.manifest.fields.map((f) => f.size)).toEqual([6, 5]);
  });

  test('quantile edges stay', async () => {
    const quantiles: DatasetInput = {
      ...SMALL,
      fields: [{ name: 'price', kind: 'numeric', buckets: { quantiles: 3 } }],
    };
    const today = await run(quantiles, { 't.csv': ROWS });
    expect(today.manifest.fields[0].edges).toEqual([15, 25]);
    const next = await run(quantiles, { 't.csv': tomorrow }, { vocabularyFrom: today.out });
    expect(next.manifest.fields[0].edges).toEqual([15, 25]);
  });

  test('a field of another kind is refused', async () => {
    const today = await run(SMALL, { 't.csv': ROWS });
    const other: DatasetInput = { ...SMALL, fields: [{ name: 'price', kind: 'categorical' }] };
    const folder = temporaryFolder({ 't.csv': ROWS });
    const e = await failure(
      prepare({ config: dataset(other), sourceFolder: folder, out: join(folder, 'out'), vocabularyFrom: today.out }),
    );
    expect(e.code).toBe('DATA_VOCABULARY_MISMATCH');
  });
});

describe('bad data', () => {
  test('all missing columns at once, with the nearest that exist', async () => {
    const e = await problem(
      {
        ...SMALL,
        fields: [
          { name: 'usr', kind: 'categorical' },
          { name: 'p', kind: 'numeric', expression: 'prize * 2' },
        ],
        weight: 'nowhere',
      },
      { 't.csv': ROWS },
    );
    expect(e.code).toBe('DATA_COLUMNS_MISSING');
    expect(e.details).toEqual({
      missing: [
        { column: 'usr', usedBy: 'field "usr"', nearest: 'user' },
        { column: 'prize', usedBy: 'field "p"', nearest: 'price' },
        { column: 'nowhere', usedBy: 'weight', nearest: undefined },
      ],
      available: ['user', 'price', 'page', 'click', 'buy', 'part'],
    });
  });

  test.each([
    [
      'a label of 2',
      ROWS.replace('search,0', 'search,2'),
      SMALL,
      'DATA_LABEL_INVALID',
      { task: 'click', value: '2', row: 2, count: 1 },
    ],
    [
      'an unknown scenario',
      ROWS.replaceAll('search', 'serach'),
      SMALL,
      'DATA_SCENARIO_UNKNOWN',
      { value: 'serach', row: 2, count: 2 },
    ],
    ['a weight of 0', ROWS, { ...SMALL, weight: 'price - 5' }, 'DATA_WEIGHT_INVALID', { value: '0', row: 1, count: 2 }],
    ['an unknown part', ROWS.replace('train', 'trian'), SMALL, 'DATA_SPLIT_VALUE', { value: 'trian', row: 1 }],
    ['no row', ROWS, { ...SMALL, where: 'price > 99' }, 'DATA_NO_ROWS', {}],
    ['an empty train part', ROWS.replaceAll('train', 'test'), SMALL, 'DATA_PART_EMPTY', { part: 'train' }],
    [
      'a text as a number',
      ROWS,
      { ...SMALL, fields: [{ name: 'user', kind: 'numeric' }] },
      'DATA_FIELD_TYPE',
      { field: 'user', type: 'VARCHAR' },
    ],
    ['broken SQL', ROWS, { ...SMALL, where: 'price >' }, 'DATA_EXPRESSION_INVALID', { usedBy: 'where' }],
    [
      'SQL that is more than an expression',
      ROWS,
      { ...SMALL, where: 'price > 1) FROM t; SELECT (1' },
      'DATA_EXPRESSION_INVALID',
      {},
    ],
    [
      'SQL that does not fit the types',
      ROWS,
      { ...SMALL, where: 'user > 3' },
      'DATA_EXPRESSION_INVALID',
      { usedBy: 'where' },
    ],
    [
      'a cast that fails',
      ROWS,
      { ...SMALL, where: 'CAST(page AS INTEGER) = 1' },
      'DATA_EXPRESSION_INVALID',
      { usedBy: 'where', reason: expect.stringContaining("'home' to INT32") },
    ],
  ] as [string, string, DatasetInput, string, object][])('%s', async (_name, rows, input, code, details) => {
    const e = await problem(input, { 't.csv': rows });
    expect(e.code).toBe(code);
    expect(e.details).toMatchObject(details);
    expect(e.message).not.toMatch(/LINE 1|Binder Error|Conversion Error|\n\n/);
  });

  test('lambdas and subqueries bring names that are no columns', async () => {
    const where =
      'len(list_filter([1, 2], lambda item: item > 1)) = 1 AND price <= (SELECT max(other) FROM (SELECT 20 AS other))';
    expect((await run({ ...SMALL, where }, { 't.csv': ROWS })).statistics.leftOut).toBe(2);
  });

  test('a joined source with a key twice', async () => {
    const joined: DatasetInput = {
      ...SMALL,
      sources: { ...SMALL.sources, u: { path: 'u.csv' } },
      from: 't',
      joins: [{ source: 'u', on: { user: 'id' } }],
    };
    const e = await problem(joined, { 't.csv': ROWS, 'u.csv': 'id,age\nu1,3\nu2,4\nu1,5\n' });
    expect(e.code).toBe('DATA_JOIN_DUPLICATE');
    expect(e.details).toMatchObject({ source: 'u', key: 'id', value: 'u1', rows: 2, duplicated: 1 });
  });

  test('a folder that cannot be written', async () => {
    const folder = temporaryFolder({ 't.csv': ROWS, 'file.txt': '' });
    const e = await failure(
      prepare({ config: dataset(SMALL), sourceFolder: folder, out: join(folder, 'file.txt/out') }),
    );
    expect(e.code).toBe('FILE_UNWRITABLE');
    if (process.getuid?.() === 0) return; // root may write anywhere
    mkdirSync(join(folder, 'locked'));
    chmodSync(join(folder, 'locked'), 0o500);
    expect(
      (await failure(prepare({ config: dataset(SMALL), sourceFolder: folder, out: join(folder, 'locked/out') }))).code,
    ).toBe('FILE_UNWRITABLE');
    expect(existsSync(join(folder, 'locked/out'))).toBe(false);
  });

  test('a memory limit that is none', async () => {
    const folder = temporaryFolder({ 't.csv': ROWS });
    const e = await failure(
      prepare({ config: dataset(SMALL), sourceFolder: folder, out: join(folder, 'out'), memoryLimit: 'lots' }),
    );
    expect(e.code).toBe('DATA_MEMORY_LIMIT_INVALID');
  });
});
