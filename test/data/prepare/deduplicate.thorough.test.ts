import { expect, test } from 'vitest';
import { dataset, findingsOf, prepareOnce, readParquetRows, temporaryFolder } from '../support.ts';

/** id, item, click: three copies of a row, two rows of one id, rows without an id. */
const ROWS = ['1,a,0', '1,a,0', '2,b,1', '2,c,0', ',d,1', ',e,0', '1,a,0', '3,f,1'];
const FILES = { 't.csv': `id,item,click\n${ROWS.join('\n')}\n` };
const config = (more: object = {}) =>
  dataset({
    name: 't',
    sources: { t: { path: 't.csv' } },
    fields: [{ name: 'item', kind: 'categorical' }],
    scenario: { expression: "'x'", values: ['x'] },
    tasks: [{ name: 'click', label: 'click' }],
    split: { kind: 'key', column: 'item', ratios: [1, 0, 0] },
    ...more,
  });

async function itemsLeft(more: object) {
  const folder = temporaryFolder(FILES);
  const { folder: out, rows, statistics } = await prepareOnce(config(more), folder);
  const tokens = await readParquetRows(`${out}/vocabularies/item.parquet`);
  const item = new Map(tokens.map(({ id, token }) => [id, token]));
  const [finding] = await findingsOf(config(more), folder, 'duplicate-rows');
  const [kept] = await findingsOf(config(more), folder, 'rows');
  return {
    items: rows.map((row) => item.get(row.field_item)).join(''),
    duplicate: statistics.leftOutBecause?.duplicate,
    leftOut: statistics.leftOut,
    said: finding.message,
    rows: kept.message,
  };
}

test('nothing is left out unless asked for', async () => {
  expect(await itemsLeft({})).toMatchObject({ items: 'aabcdeaf', duplicate: 0 });
  expect(await itemsLeft({ deduplicate: false })).toMatchObject({ items: 'aabcdeaf', duplicate: 0 });
});

test('copies in every column', async () => {
  expect(await itemsLeft({ deduplicate: true })).toEqual({
    items: 'abcdef',
    duplicate: 2,
    leftOut: 2,
    said: '2 left out by "deduplicate"; less than 1 % of the rows are copies of another (all rows looked at)',
    rows: '6 of 8 rows of source "t"',
  });
});

test('the first or last of a key; rows without a key all stay', async () => {
  expect(await itemsLeft({ deduplicate: { by: 'id' } })).toMatchObject({ items: 'abdef', duplicate: 3 });
  expect(await itemsLeft({ deduplicate: { by: ['id'], keep: 'last' } })).toMatchObject({
    items: 'cdeaf',
    duplicate: 3,
  });
  expect(await itemsLeft({ deduplicate: { by: ['id', 'upper(item)'] } })).toMatchObject({ items: 'abcdef' });
});

test('rows that do not count do not stand for others', async () => {
  const more = { deduplicate: { by: 'id' }, where: "item <> 'b'", groupRowsBy: ['click'] };
  const { items, duplicate, leftOut } = await itemsLeft(more);
  expect([items, duplicate, leftOut]).toEqual(['acedf', 2, 3]);
});

test('a join does not hide copies, nor make any', async () => {
  const folder = temporaryFolder({ ...FILES, 'items.csv': 'item,price\na,1\nb,2\nc,2\nd,1\ne,1\nf,4\n' });
  const joined = config({
    from: 't',
    sources: { t: { path: 't.csv' }, items: { path: 'items.csv' } },
    joins: [{ source: 'items', on: { item: 'item' } }],
    deduplicate: true,
    split: { kind: 'random', ratios: [1, 0, 0] },
  });
  const { statistics, sizes } = await prepareOnce(joined, folder);
  expect([sizes[0], statistics.leftOut]).toEqual([6, 2]);
});
