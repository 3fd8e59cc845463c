import { linkSync, mkdirSync, readdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { predictInto } from '../../../src/data/predict/predict.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { temporaryFolder as keptFolder } from '../../train/support.ts';
import { dataset, failure, readParquetRows, temporaryFolder } from '../support.ts';

const { path: folder, remove } = keptFolder();
let data: PreparedData;
beforeAll(async () => {
  const lines = Array.from({ length: 20 }, (_, i) => `${i % 3},${i % 2 ? 'home' : 'shop'},${i % 2}`);
  writeFileSync(join(folder, 'log.csv'), `item,place,click\n${lines.join('\n')}\n`);
  const config = dataset({
    name: 'out',
    sources: { log: { path: 'log.csv', nullValues: ['NA'] } },
    fields: [{ name: 'item', kind: 'categorical' }],
    scenario: { expression: 'place', values: ['home', 'shop'] },
    tasks: [{ name: 'click', label: 'click' }],
  });
  await prepare({ config, sourceFolder: folder, out: join(folder, 'data') });
  data = await openPrepared(join(folder, 'data'));
});
afterAll(remove);

const score = async ({ size }: { size: number }): Promise<Float32Array> => new Float32Array(size).fill(0.25);
const INPUT = 'item,place,note,price,code\n1,home,"say ""hi"", NA",1.50,007\n02,shop,NA,2,NA\n3,,"two\nlines",,1\n';

/** Predicts into a name in a folder with `in.csv`. */
async function predict(output: string, options: { input?: string; content?: string; force?: boolean } = {}) {
  const { input = 'in.csv', content = INPUT, force } = options;
  const at = temporaryFolder({ [input]: content });
  await predictInto({ data, input: join(at, input), output: join(at, output), score, force });
  expect(readdirSync(at).sort()).toEqual([input, output].sort());
  return join(at, output);
}

describe('the name says the format, the input comes back as it was', () => {
  const text = (delimiter: string): string =>
    [
      ['item', 'place', 'note', 'price', 'code', 'scenario', 'probability_click'],
      ['1', 'home', '"say ""hi"", NA"', '1.50', '007', 'home', '0.25'],
      ['02', 'shop', 'NA', '2', 'NA', 'shop', '0.25'],
      ['3', '', '"two\nlines"', '', '1', '', ''],
    ]
      .map((row) => `${row.join(delimiter)}\n`)
      .join('');

  test('CSV', async () => {
    expect(readFileSync(await predict('out.csv'), 'utf8')).toBe(text(','));
    expect(gunzipSync(readFileSync(await predict('out.csv.gz'))).toString()).toBe(text(','));
    const tabs = text('\t').replace('"say ""hi"", NA"', '"say ""hi"", NA"');
    expect(readFileSync(await predict('out.tsv'), 'utf8')).toBe(tabs);
  });

  test('JSON lines and Parquet', async () => {
    const expected = [
      {
        item: '1',
        place: 'home',
        note: 'say "hi", NA',
        price: '1.50',
        code: '007',
        scenario: 'home',
        probability_click: 0.25,
      },
      { item: '02', place: 'shop', note: null, price: '2', code: null, scenario: 'shop', probability_click: 0.25 },
      { item: '3', place: null, note: 'two\nlines', price: null, code: '1', scenario: null, probability_click: null },
    ];
    const lines = readFileSync(await predict('out.jsonl'), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual(expected);
    expect(await readParquetRows(await predict('out.parquet'))).toEqual(expected);
  });

  test('JSON keeps its types, lists stay lists; in a CSV they have | between their items', async () => {
    const content =
      '{"item":1,"place":"home","tags":["a",null,"b"],"who":{"age":3}}\n{"item":"x","place":"shop","tags":[]}\n';
    const options = { input: 'in.jsonl', content };
    const lines = readFileSync(await predict('out.ndjson', options), 'utf8')
      .trim()
      .split('\n');
    expect(lines.map((line) => JSON.parse(line) as unknown)).toEqual([
      { item: 1, place: 'home', tags: ['a', null, 'b'], who: { age: 3 }, scenario: 'home', probability_click: 0.25 },
      { item: 'x', place: 'shop', tags: [], who: null, scenario: 'shop', probability_click: 0.25 },
    ]);
    const csv = readFileSync(await predict('out.csv', options), 'utf8').split('\n');
    expect(csv[1]).toBe('1,home,a||b,"{""age"":3}",home,0.25');
  });

  test('another ending is refused before anything is read', async () => {
    for (const name of ['out.txt', 'out', 'out.json', 'out.parquet.gz']) {
      const e = await failure(predictInto({ data, input: 'nowhere.csv', output: name, score }));
      expect(e.code, name).toBe('PREDICT_OUTPUT_FORMAT');
      expect(e.message).toMatch(/\.parquet, \.csv, \.tsv or \.jsonl/);
    }
  });
});

describe('what is in the place of the output', () => {
  test('an earlier prediction gives way, another file only to force', async () => {
    const at = temporaryFolder({ 'in.csv': INPUT });
    for (const name of ['out.csv', 'out.jsonl', 'out.parquet', 'out.tsv']) {
      const run = (force?: boolean) =>
        predictInto({ data, input: join(at, 'in.csv'), output: join(at, name), score, force });
      writeFileSync(join(at, name), 'somebody else,wrote this\n');
      expect((await failure(run())).code, name).toBe('PREDICT_OUTPUT_OCCUPIED');
      expect(readFileSync(join(at, name), 'utf8')).toBe('somebody else,wrote this\n');
      await run(true);
      await run();
    }
    mkdirSync(join(at, 'folder.csv'));
    const e = await failure(
      predictInto({ data, input: join(at, 'in.csv'), output: join(at, 'folder.csv'), score, force: true }),
    );
    expect(e.code).toBe('PREDICT_OUTPUT_OCCUPIED');
    expect(e.message).not.toContain('--force');
  });

  test('a file that is read is never written, whatever it is called', async () => {
    const at = temporaryFolder({ 'in.csv': 'item,place,scenario,probability_click\n1,home,home,0.5\n' });
    linkSync(join(at, 'in.csv'), join(at, 'hard.csv'));
    symlinkSync('in.csv', join(at, 'soft.csv'));
    const before = readFileSync(join(at, 'in.csv'), 'utf8');
    const names = ['in.csv', 'hard.csv', 'soft.csv', `../${at.split('/').at(-1)}/in.csv`];
    for (const name of [...names.map((name) => join(at, name)), relative('.', join(at, 'in.csv'))])
      for (const force of [false, true]) {
        const e = await failure(predictInto({ data, input: join(at, 'in.csv'), output: name, score, force }));
        expect(e.code, name).toBe('PREDICT_OUTPUT_INPUT');
      }
    expect(readFileSync(join(at, 'in.csv'), 'utf8')).toBe(before);
    expect(readdirSync(at).sort()).toEqual(['hard.csv', 'in.csv', 'soft.csv']);
  });

  test('through a link the file is written that it leads to', async () => {
    const at = temporaryFolder({ 'in.csv': INPUT, 'real/old.csv': 'a,scenario,probability_click\n' });
    symlinkSync('real/old.csv', join(at, 'out.csv'));
    await predictInto({ data, input: join(at, 'in.csv'), output: join(at, 'out.csv'), score });
    expect(readFileSync(join(at, 'real/old.csv'), 'utf8')).toMatch(/^item,/);
    expect(statSync(join(at, 'out.csv')).size).toBeGreaterThan(50);
  });
});
