/** Files that come after training: read with its types, whatever their format and their other rows. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { temporaryFolder as keptFolder } from '../../train/support.ts';
import { scoreIds } from '../predict/score-ids.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { dataset, failure, temporaryFolder, writeParquet } from '../support.ts';

const HEADER = 'user,item,version,flag,price,age,tags,place,click,seen';
const LOG: DatasetInput = {
  name: 'log',
  from: 'log',
  sources: { log: { path: 'log.csv' }, users: { path: 'users.csv' } },
  joins: [{ source: 'users', on: { user: 'user' } }],
  fields: [
    { name: 'user', kind: 'categorical' },
    { name: 'item', kind: 'categorical' },
    { name: 'version', kind: 'categorical' },
    { name: 'flag', kind: 'categorical' },
    { name: 'price', kind: 'numeric', buckets: { edges: [5, 10, 15] } },
    { name: 'age', kind: 'numeric', buckets: { edges: [30] } },
    { name: 'decade', kind: 'categorical', expression: 'age // 10' },
    { name: 'tags', kind: 'multi', maxLength: 3 },
    { name: 'city', kind: 'categorical' },
  ],
  scenario: { expression: 'place', values: ['home', 'shop'] },
  tasks: [{ name: 'click', label: 'click' }],
  where: 'seen >= 100 AND seen <> 9007199254740993 AND click IS NOT NULL',
  vocabulary: { from: 'all' },
};
const line = (i: number): string =>
  [
    i % 7,
    i % 5,
    ['1.1', '1.10', '2.0'][i % 3],
    i % 2 === 0 ? 'True' : 'False',
    i % 20,
    20 + (i % 30),
    `a|${i % 4}`,
    'home',
    i % 2,
    100 + i,
  ].join();
const USERS = `user,city\n${Array.from({ length: 7 }, (_, i) => `${i},${['Bern', 'Zürich'][i % 2]}`).join('\n')}\n`;
const FILES = {
  'log.csv': `${HEADER}\n${Array.from({ length: 60 }, (_, i) => line(i)).join('\n')}\n`,
  'users.csv': USERS,
};

const { path: folder, remove } = keptFolder();
let data: PreparedData;
beforeAll(async () => {
  for (const [name, content] of Object.entries(FILES)) writeFileSync(join(folder, name), content);
  await prepare({ config: dataset(LOG), sourceFolder: folder, out: join(folder, 'data') });
  data = await openPrepared(join(folder, 'data'));
});
afterAll(remove);

const NAMES = ['user', 'item', 'version', 'flag', 'price', 'age', 'decade', 'tags', 'tags', 'tags', 'city'];
/** Ids within their field, by field, of the rows of a file. */
async function idsOf(content: string, name = 'in.csv') {
  const scored = await scoreIds(data, join(temporaryFolder({ [name]: content }), name));
  const offsets = new Map(data.manifest.fields.map((field) => [field.name, field.offset]));
  return { ...scored, ids: scored.ids.map((ids) => ids.map((id, i) => id - Number(offsets.get(NAMES[i])))) };
}
const GOOD = '3,2,1.10,True,12,25,a|1,home,1,100';

test('whatever stands in other rows, a row has the same ids', async () => {
  const [expected] = (await idsOf(`${HEADER}\n${GOOD}\n`)).ids;
  expect(expected).not.toContain(1);
  const others = [
    'guest,2,1.10,True,12,25,a|1,home,1,100',
    '3,2.0,1.10.2,yes,12,25,,home,,100',
    '3,new,,maybe,12.5,25,x,shop,1,100',
    '03,2, 1.10,true,1e1,25,"a","home",0,100',
    '3,2,1.10,True,,,,home,1,100',
    '9007199254740993,2,1.10,True,12,25,1|2|3|4,home,,',
  ];
  for (const other of others) {
    const { ids } = await idsOf(`${HEADER}\n${other}\n${GOOD}\n${GOOD}\n`);
    expect(ids.at(-1), other).toEqual(expected);
  }
  const { ids } = await idsOf(`${HEADER}\n${[...others, GOOD].join('\n')}\n`);
  expect(ids.at(-1)).toEqual(expected);
});

test('texts and numbers of JSON and Parquet, and what is served, are those of the CSV', async () => {
  const [expected] = (await idsOf(`${HEADER}\n${GOOD}\n`)).ids;
  const row = {
    user: 3,
    item: 2,
    version: '1.10',
    flag: 'True',
    price: 12,
    age: 25,
    tags: ['a', 1],
    place: 'home',
    seen: 100,
    click: 1,
  };
  const json = [
    row,
    { ...row, user: '3', item: '2', price: 12.0, tags: 'a|1' },
    { ...row, user: 'guest', tags: ['a', '1'] },
  ];
  const found = (await idsOf(json.map((one) => JSON.stringify(one)).join('\n'), 'in.jsonl')).ids;
  expect(found[0]).toEqual(expected);
  expect(found[1]).toEqual(expected);
  expect(found[2].slice(1, -1)).toEqual(expected.slice(1, -1));
  const parquet = join(temporaryFolder(), 'in.parquet');
  await writeParquet(
    parquet,
    `SELECT 3::DOUBLE AS "user", '2' AS item, '1.10' AS version, 'True' AS flag, 12::FLOAT AS price, '25' AS age, ['a', '1'] AS tags, 'home' AS place, 100 AS seen, 1 AS click`,
  );
  const scored = await scoreIds(data, parquet);
  expect(
    scored.ids[0].map((id, i) => id - (data.manifest.fields.find((f) => f.name === NAMES[i])?.offset ?? 0)),
  ).toEqual(expected);
  const encoder = await openRowEncoder(data);
  const ids = new Int32Array(encoder.slots);
  encoder.encode({ ...row, decade: 2, city: 'Zürich' }, ids);
  expect([...ids]).toEqual(scored.ids[0]);
});

describe('a value that does not fit is an error where something computes with it', () => {
  test.each([
    [
      'a numeric field',
      GOOD.replace(',12,', ',n/a,'),
      /"price" is "n\/a" in row 2 .*was BIGINT in training, and field "price"/,
    ],
    ['an expression', GOOD.replace(',25,', ',old,'), /"age" is "old" in row 2/],
    ['where', GOOD.replace(/100$/, 'now'), /"seen" is "now" in row 2 .*where/],
  ])('%s', async (_what, bad, expected) => {
    const { code, message } = await failure(idsOf(`${HEADER}\n${GOOD}\n${bad}\n${bad}\n`));
    expect(code).toBe('DATA_VALUE_TYPE');
    expect(message).toMatch(expected);
    expect(message).toMatch(/and in 1 more row/);
  });

  test('a number with decimals is one for a field of numbers; where integers count it is refused', async () => {
    const { ids } = await idsOf(`${HEADER}\n${GOOD.replace(',12,', ',12.5,')}\n`);
    expect(ids[0]).toEqual((await idsOf(`${HEADER}\n${GOOD}\n`)).ids[0]);
    expect((await failure(idsOf(`${HEADER}\n${GOOD.replace(',25,', ',25.5,')}\n`))).message).toMatch(/"age" is "25.5"/);
  });

  test('as a key of a join it matches nothing', async () => {
    const { ids } = await idsOf(`${HEADER}\n${GOOD.replace('3,', 'guest,')}\n`);
    expect([ids[0][0], ids[0].at(-1)]).toEqual([1, 1]);
  });
});

describe('where', () => {
  test('leaves rows without probabilities, and asks only what the input can answer', async () => {
    const bad = [GOOD.replace(/100$/, '99'), GOOD.replace('home,1', 'home,'), GOOD.replace(/100$/, '9007199254740993')];
    const { result, rows } = await idsOf(`${[HEADER, ...bad, GOOD.replace(/100$/, '9007199254740992')].join('\n')}\n`);
    expect(result).toMatchObject({ rows: 4, scored: 1, excluded: 3, ignored: [] });
    expect(rows.map((row) => row.scenario)).toEqual([null, null, null, 'home']);
    const unlabelled = [HEADER, GOOD, GOOD.replace(/100$/, '99'), GOOD.replace('home', '')].map((text) =>
      text.split(','),
    );
    const without = unlabelled.map((values) => values.toSpliced(8, 1).join()).join('\n');
    const scored = await idsOf(`${without}\n`);
    expect(scored.result).toMatchObject({ rows: 3, scored: 1, excluded: 1 });
    expect(scored.result.ignored).toEqual([expect.stringMatching(/click/)]);
  });

  test('an unknown scenario of a row that it leaves out is none', async () => {
    const row = HEADER.split(',').toSpliced(8, 1).join();
    const bad = GOOD.replace('home', 'nowhere').split(',').toSpliced(8, 1).join();
    expect((await idsOf(`${row}\n${bad.replace(/100$/, '1')}\n`)).result.excluded).toBe(1);
    expect((await failure(idsOf(`${row}\n${bad}\n`))).code).toBe('DATA_SCENARIO_UNKNOWN');
  });
});

describe('vocabularies that go on', () => {
  const goOn = async (log: string) => {
    const sources = temporaryFolder({ ...FILES, 'log.csv': log });
    const out = join(sources, 'data');
    await prepare({ config: dataset(LOG), sourceFolder: sources, out, vocabularyFrom: data.folder });
    return openPrepared(out);
  };

  test('keep their tokens though new values are of other types', async () => {
    const added = 'guest,5.0,1.100,unknown,3,25,a,home,1,500';
    const next = await goOn(`${FILES['log.csv']}${added}\n`);
    for (const [field, token] of Object.entries({ user: 'guest', item: '5.0', version: '1.100', flag: 'unknown' })) {
      const [before, after] = [await data.tokens(field), await next.tokens(field)];
      expect(after).toEqual([...before, token]);
    }
    const typesIn = ({ manifest }: PreparedData) => manifest.columns.log.map(({ name, type }) => `${name} ${type}`);
    expect(typesIn(next)).toEqual(typesIn(data));
  });

  test('refuse values that expressions cannot compute with', async () => {
    const { code, message } = await failure(goOn(`${FILES['log.csv']}1,5,1.1,True,cheap,25,a,home,1,500\n`));
    expect(code).toBe('DATA_VALUE_TYPE');
    expect(message).toMatch(/"price" is "cheap" in row 61 of source "log"/);
  });
});
