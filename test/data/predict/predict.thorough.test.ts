import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { encodeFile } from '../../../src/data/predict/encode-file.ts';
import { predictInto } from '../../../src/data/predict/predict.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { Batch } from '../../../src/data/prepared/prepared.ts';
import { dataset, failure, readParquetRows, temporaryFolder } from '../support.ts';

const VISITS: DatasetInput = {
  name: 'visits',
  sources: { visits: { path: 'visits.csv' }, users: { path: 'users.csv' } },
  from: 'visits',
  joins: [{ source: 'users', on: { user: 'id' }, kind: 'inner' }],
  fields: [
    { name: 'user', kind: 'categorical' },
    { name: 'zip', kind: 'categorical' },
    { name: 'price', kind: 'numeric', buckets: { edges: [10] } },
    { name: 'tags', kind: 'multi', maxLength: 2 },
  ],
  scenario: { expression: 'page', values: [1, 2], names: ['home', 'search'] },
  tasks: [
    { name: 'click', label: 'click' },
    { name: 'buy', label: 'buy' },
  ],
  where: 'price > 0',
  split: { kind: 'column', column: "'train'" },
};
const FILES = {
  'visits.csv': 'user,price,tags,page,click,buy\nu1,5,a|b,1,1,0\nu2,20,b,2,0,0\nu1,30,,1,1,1\n',
  'users.csv': 'id,zip\nu1,01234\nu2,99999\nu3,1\n',
};

const shared = mkdtempSync(join(tmpdir(), 'tributary-test-'));
beforeAll(async () => {
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(shared, name), content);
  await prepare({ config: dataset(VISITS), sourceFolder: shared, out: join(shared, 'data') });
});
afterAll(() => rmSync(shared, { recursive: true, force: true }));

/** A folder of the test's own with the sources, and the data set that all tests share. */
const prepared = async () => ({ folder: temporaryFolder(FILES), data: await openPrepared(join(shared, 'data')) });

/** Ids of every row, and as predictions numbers that can be told apart. */
async function predict(input: string, batchSize?: number) {
  const { folder, data } = await prepared();
  writeFileSync(join(folder, 'input.csv'), input);
  const output = join(folder, 'out.parquet');
  const ids: number[][] = [];
  const score = async (batch: Batch): Promise<Float32Array> => {
    for (let i = 0; i < batch.size; i++) ids.push([...batch.ids.subarray(i * 5, i * 5 + 5), batch.scenario[i]]);
    return Float32Array.from({ length: batch.size * 2 }, (_, k) => batch.row[k >> 1] + (k % 2) / 2);
  };
  const result = await predictInto({ data, input: join(folder, 'input.csv'), output, score, batchSize });
  return { ids, result, rows: await readParquetRows(output), folder };
}

describe('predictInto', () => {
  test('the rows of training get the ids of training', async () => {
    const { folder, data } = await prepared();
    const trained: number[][] = [];
    const reader = await data.open('train');
    for await (const batch of reader.batches({ batchSize: 10 }))
      for (let i = 0; i < batch.size; i++) trained.push([...batch.ids.subarray(i * 5, i * 5 + 5), batch.scenario[i]]);
    await reader.close();
    const encoded = await encodeFile({ data, input: join(folder, 'visits.csv'), work: join(folder, 'work') });
    expect(encoded.input.rows).toBe(3);
    for await (const batch of encoded.reader.batches({ batchSize: 2 }))
      for (let i = 0; i < batch.size; i++)
        expect([...batch.ids.subarray(i * 5, i * 5 + 5), batch.scenario[i]]).toEqual(trained[batch.row[i]]);
    await encoded.close();
    expect((await predict(readFileSync(join(folder, 'visits.csv'), 'utf8'))).ids).toEqual(trained);
  });

  test('writes the input with scenario and probabilities, in its order, no row lost', async () => {
    // u9 is unknown to the join, the third row has no scenario, of the fourth `where` is not true.
    const { ids, result, rows } = await predict(
      'note,user,price,tags,page\nx,u1,5,b|c,1\ny,u9,50,,2\nz,u2,5,a,\nv,u2,-5,a,2\nw,u2,5,a,2\n',
      2,
    );
    expect(result).toEqual({ rows: 5, scored: 3, excluded: 1, ignored: [] });
    expect(rows).toEqual([
      {
        note: 'x',
        user: 'u1',
        price: 5n,
        tags: 'b|c',
        page: 1n,
        scenario: 'home',
        probability_click: 0,
        probability_buy: 0.5,
      },
      {
        note: 'y',
        user: 'u9',
        price: 50n,
        tags: null,
        page: 2n,
        scenario: 'search',
        probability_click: 1,
        probability_buy: 1.5,
      },
      {
        note: 'z',
        user: 'u2',
        price: 5n,
        tags: 'a',
        page: null,
        scenario: null,
        probability_click: null,
        probability_buy: null,
      },
      {
        note: 'v',
        user: 'u2',
        price: -5n,
        tags: 'a',
        page: 2n,
        scenario: null,
        probability_click: null,
        probability_buy: null,
      },
      {
        note: 'w',
        user: 'u2',
        price: 5n,
        tags: 'a',
        page: 2n,
        scenario: 'search',
        probability_click: 2,
        probability_buy: 2.5,
      },
    ]);
    // Vocabularies: u1 u2 | 01234 99999 | bucket 1, 0 | b a; offsets 0, 4, 8, 12.
    expect(ids).toEqual([
      [2, 6, 11, 14, 13, 0],
      [1, 5, 10, 12, 12, 1],
      [3, 7, 11, 15, 12, 1],
    ]);
  });

  test('a file with all columns needs no joins; a text stays a text though all values look like numbers', async () => {
    const { ids } = await predict('user,zip,price,tags,page\nu1,99999,50,a,1\n');
    expect(ids).toEqual([[2, 7, 10, 15, 12, 0]]);
  });

  test('more rows than a batch and a chunk of DuckDB', async () => {
    const lines = Array.from({ length: 5000 }, (_, i) => `u${i % 3},${1 + (i % 40)},a,${(i % 2) + 1}`);
    const { rows } = await predict(`user,price,tags,page\n${lines.join('\n')}\n`, 3000);
    expect(rows.length).toBe(5000);
    expect(rows.every((r, i) => r.probability_click === i && r.user === `u${i % 3}`)).toBe(true);
  });

  test('says what is missing, and leaves nothing behind', async () => {
    const { folder, data } = await prepared();
    writeFileSync(join(folder, 'input.csv'), 'user,price\nu1,5\n');
    const before = readdirSync(folder).sort();
    const run = (input: string) =>
      failure(
        predictInto({
          data,
          input: join(folder, input),
          output: join(folder, 'out.parquet'),
          score: async () => new Float32Array(),
        }),
      );
    const e = await run('input.csv');
    expect(e.code).toBe('DATA_COLUMNS_MISSING');
    expect(e.details).toMatchObject({ missing: [{ column: 'tags' }, { column: 'page' }] });
    writeFileSync(join(folder, 'input.csv'), 'user,price,tags,page\nu1,5,a,7\n');
    expect((await run('input.csv')).code).toBe('DATA_SCENARIO_UNKNOWN');
    expect((await run('nowhere.csv')).code).toBe('DATA_FILES_MISSING');
    expect(readdirSync(folder).sort()).toEqual(before);
  });

  test('joined sources that have moved are named', async () => {
    const folder = temporaryFolder(FILES);
    await prepare({ config: dataset(VISITS), sourceFolder: folder, out: join(folder, 'data') });
    const data = await openPrepared(join(folder, 'data'));
    renameSync(join(folder, 'users.csv'), join(folder, 'away.csv'));
    const input = join(folder, 'visits.csv');
    const e = await failure(
      predictInto({ data, input, output: join(folder, 'out.parquet'), score: async () => new Float32Array() }),
    );
    expect(e.code).toBe('DATA_FILES_MISSING');
    expect(e.message).toContain('users.csv');
  });

  test('a failing score leaves the earlier output', async () => {
    const { folder, data } = await prepared();
    writeFileSync(join(folder, 'out.parquet'), 'earlier');
    const score = () => Promise.reject(new Error('no model'));
    const output = join(folder, 'out.parquet');
    await expect(predictInto({ data, input: join(folder, 'visits.csv'), output, score, force: true })).rejects.toThrow(
      'no model',
    );
    expect(readFileSync(join(folder, 'out.parquet'), 'utf8')).toBe('earlier');
    expect(readdirSync(folder).sort()).toEqual(['out.parquet', 'users.csv', 'visits.csv']);
  });
});
