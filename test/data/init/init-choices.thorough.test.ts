/** What `init` leaves out and how it names things; whatever it writes, `validate` accepts. */
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { datasetSchema } from '../../../src/config/dataset.ts';
import { validate } from '../../../src/data/checks/validate.ts';
import { init, type Proposal } from '../../../src/data/init/init.ts';
import { failure, temporaryFolder } from '../support.ts';

type Cell = string | number;

/** A log of which nothing is wrong, with more columns. */
function csv(
  rows: number,
  more: Record<string, (i: number) => Cell> = {},
  click = (i: number): Cell => Number((i * 7919) % 13 < 4),
) {
  const columns: Record<string, (i: number) => Cell> = {
    user_id: (i) => `u${(i * 31) % 40}`,
    item_id: (i) => (i * 17) % 23,
    ...more,
    click,
  };
  const quoted = (value: Cell): string =>
    /[",\n]/.test(String(value)) ? `"${String(value).replaceAll('"', '""')}"` : String(value);
  const lines = Array.from({ length: rows }, (_, i) =>
    Object.values(columns)
      .map((of) => quoted(of(i)))
      .join(','),
  );
  return [Object.keys(columns).map(quoted).join(','), ...lines].join('\n');
}

/** Proposes for files in a folder; what is proposed passes validation. */
async function proposed(files: Record<string, string>): Promise<Proposal & { fields: string[]; text: string }> {
  const folder = temporaryFolder(files);
  const proposal = await init(
    Object.keys(files).map((name) => join(folder, name)),
    { folder },
  );
  const config = datasetSchema.parse(parse(proposal.yaml));
  const findings = await validate(config, folder);
  expect(findings.filter(({ level }) => level === 'fail')).toEqual([]);
  expect(proposal.failures).toEqual([]);
  return { ...proposal, fields: config.fields.map(({ name }) => name), text: proposal.yaml };
}

test('rows, visits and requests are named, not described: no fields', async () => {
  const hex = (i: number): string => ((i * 2654435761) >>> 0).toString(16).padStart(8, '0');
  const { fields, text } = await proposed({
    'log.csv': csv(400, {
      sessionId: (i) => `s${i >> 2}`,
      request_id: (i) => `r${i >> 1}`,
      session: (i) => `s${i >> 3}`,
      'Unnamed: 0': (i) => i,
      row_number: (i) => i + 1,
      n: (i) => 1000 + i,
      sid: (i) => `${hex(i >> 1)}-12ab-4cde-8f01-${hex(i >> 1)}abcd`,
      tracking: (i) => 1e15 + ((i * 7919) % 400) * 1e9,
      price: (i) => ((i * 37) % 400) / 4,
      shop_uuid: (i) => `${hex(i % 9)}-12ab-4cde-8f01-${hex(i % 9)}abcd`,
    }),
  });
  expect(fields).toEqual(['user_id', 'item_id', 'price', 'shop_uuid']);
  expect(text).toMatch(/left out: sessionId names a row, visit or request/);
  expect(text).toMatch(/left out: n numbers the rows \(400 values, from 1000 to 1399\)/);
});

test('where a row stood is no field, what a user has reached is', async () => {
  const { fields, text } = await proposed({
    'log.csv': csv(400, {
      position: (i) => i % 10,
      rank: (i) => 1 + (i % 7),
      slot_index: (i) => i % 6,
      pos: (i) => i % 5,
      user_rank: (i) => i % 4,
    }),
  });
  expect(fields).toEqual(['user_id', 'item_id', 'user_rank']);
  expect(text).toMatch(/left out: position is where the row stood: not known before ranking/);
});

test('the scenario is no field as well; values that cannot be learned are left out', async () => {
  const { fields, config, text } = await proposed({
    'log.csv': csv(600, { tab: (i) => (i % 150 === 0 ? 'odd' : i % 3 === 0 ? 'live' : 'home') }, (i) =>
      Number(i % 150 !== 0 && (i * 7919) % 13 < 4),
    ),
  });
  expect(fields).toEqual(['user_id', 'item_id']);
  expect(config.scenario.values).toEqual(['home', 'live']);
  expect(config.where).toBe(`("tab")::VARCHAR IN ('home', 'live')`);
  expect(text).toMatch(/left out: tab is the scenario/);
  expect(text).toMatch(/scenarios "odd": too few/);
});

test('a scenario goes by what its name is about; dates of another order are no fields', async () => {
  const { config, fields, text } = await proposed({
    'log.csv': csv(400, {
      page_rank: (i) => i % 9,
      app_version: (i) => i % 4,
      slot: (i) => i % 3,
      traffic_channel: (i) => ['a', 'b'][i % 2],
      date: (i) => `${1 + (i % 28)}/0${1 + (i % 9)}/2025`,
    }),
  });
  expect(config.scenario.expression).toBe('"traffic_channel"');
  expect(fields).toEqual(['user_id', 'item_id', 'page_rank', 'app_version', 'slot']);
  expect(text).toMatch(/left out: date is a date that is not written year, month, day \(such as 1\/01\/2025\)/);
});

test('a file with nothing but labels', async () => {
  const folder = temporaryFolder({ 'log.csv': `label\n${Array.from({ length: 50 }, (_, i) => i % 2).join('\n')}` });
  const { code, message } = await failure(init([join(folder, 'log.csv')]));
  expect(code).toBe('INIT_NO_FIELD');
  expect(message).toMatch(/there is none beside the labels/);
});

test('scenarios that differ in case alone are one', async () => {
  const { config } = await proposed({ 'log.csv': csv(400, { tab: (i) => ['home', 'Home', 'live'][i % 3] }) });
  expect(config.scenario).toEqual({ expression: 'lower("tab")', values: ['home', 'live'] });
});

test('one scenario where most rows have nothing to learn', async () => {
  const { config, text } = await proposed({
    'log.csv': csv(400, { tab: (i) => (i % 4 ? 'home' : 'live') }, (i) => Number(i % 4 === 0 && i % 8 === 0)),
  });
  expect(config.scenario.values).toEqual(['all']);
  expect(text).toMatch(/of those in tab, "home" cannot be learned/);
});

test('a few rows without a time do not turn the split into chance', async () => {
  const day = (i: number): string => String(1 + ((i >> 3) % 28)).padStart(2, '0');
  const at = (i: number): string => `2026-0${1 + (i >> 8)}-${day(i)} 10:00:00`;
  for (const time of [at, (i: number) => 1.7e9 + i * 60]) {
    const { config, text } = await proposed({ 'log.csv': csv(500, { seen_at: (i) => (i === 77 ? '' : time(i)) }) });
    expect(config.split).toEqual({ kind: 'time', column: '"seen_at"' });
    expect(config.where).toBeUndefined();
    expect(text).toMatch(/1 row has no time and is left out/);
  }
  const { config, text } = await proposed({ 'log.csv': csv(500, { seen_at: (i) => (i === 77 ? 'n/a' : at(i)) }) });
  expect(config.split).toEqual({ kind: 'time', column: '"seen_at"' });
  expect(config.where).toBe('TRY_CAST("seen_at" AS TIMESTAMP) IS NOT NULL');
  expect(text).toMatch(/1 row has a text in seen_at that is no time/);
});

test('times of several layouts', async () => {
  const day = (i: number): string => String(1 + ((i >> 3) % 28)).padStart(2, '0');
  for (const time of [
    (i: number) => `2026-01-${day(i)}${i % 2 ? 'T' : ' '}10:00:00`,
    (i: number) => `2026-01-${day(i)} 10:00:00+0${i % 3}`,
    (i: number) => `2026-1-${Number(day(i))}`,
  ])
    expect((await proposed({ 'log.csv': csv(200, { time }) })).config.split).toEqual({
      kind: 'time',
      column: '"time"',
    });
});

test('what all but says the label is left out, with what was found', async () => {
  const { fields, text } = await proposed({
    'log.csv': csv(500, { seconds: (i) => ((i * 7919) % 13 < 4 ? 30 + (i % 4) : 0), hour: (i) => i % 24 }),
  });
  expect(fields).toEqual(['user_id', 'item_id', 'hour']);
  expect(text).toMatch(/left out: seconds: field "seconds" tells the label/);
});

test('lists are told by their parts; line breaks in names stay out of the text', async () => {
  const { config, fields, text } = await proposed({
    'log.csv': csv(500, {
      genres: (i) =>
        ['a', 'b', 'c', 'd', 'e', 'f'].filter((_, k) => (i * 7 + k * 5) % 11 < 1 + (i % 4)).join(', ') || 'a',
      author: (i) => `Smith${i % 50}, John${i % 30}`,
      'a\nfields: []': (i) => i % 7,
      title: (i) => `Film ${(i * 17) % 23} | The Site`,
    }),
  });
  expect(config.fields.map((field) => [field.name, field.kind, 'separator' in field ? field.separator : '-'])).toEqual([
    ['user_id', 'categorical', '-'],
    ['item_id', 'categorical', '-'],
    ['genres', 'multi', ', '],
    ['author', 'categorical', '-'],
    ['a_fields', 'categorical', '-'],
    ['title', 'categorical', '-'],
  ]);
  expect(fields).toHaveLength(6);
  expect(text).toMatch(/author.*no list: its texts have 2 parts each, which belong to their place/);
});

test('names: of JavaScript, of SQL, of requests, of columns that differ in signs alone', async () => {
  const names = [
    'constructor',
    'select',
    'Order By',
    'order-by',
    'ORDER.BY',
    'id',
    'sequences',
    'con',
    'naïve',
    '价格',
    '__proto__',
  ];
  const { config } = await proposed({
    'log.csv': csv(
      200,
      Object.fromEntries(names.map((name, k) => [`${name}`, (i: number) => (i + k) % 5]).slice(0, -1)),
    ),
  });
  expect(config.fields.map((field) => [field.name, 'expression' in field ? field.expression : undefined])).toEqual([
    ['user_id', undefined],
    ['item_id', undefined],
    ['constructor', undefined],
    ['select', undefined],
    ['Order_By', '"Order By"'],
    ['order_by_2', '"order-by"'],
    ['ORDER_BY_3', '"ORDER.BY"'],
    ['log_id', '"id"'],
    ['log_sequences', '"sequences"'],
    ['log_con', '"con"'],
    ['naive', '"naïve"'],
    ['column_12', '"价格"'],
  ]);
});

test('labels that two tables have are those of the rows', async () => {
  const items = Array.from({ length: 23 }, (_, i) => `${i},${i % 2},k${i % 3}`).join('\n');
  const { config } = await proposed({ 'log.csv': csv(300), 'items.csv': `item_id,click,kind\n${items}` });
  expect(config.tasks).toEqual([{ name: 'click', label: '"log"."click"' }]);
});

test('a table whose key comes twice: its values are named', async () => {
  const users = [...Array.from({ length: 40 }, (_, i) => `u${i},${i}`), 'u7,1', 'u9,1', 'u7,2'].join('\n');
  const folder = temporaryFolder({ 'log.csv': csv(300), 'users.csv': `user_id,age\n${users}` });
  const { code, message } = await failure(init([join(folder, 'log.csv'), join(folder, 'users.csv')]));
  expect(code).toBe('INIT_JOIN_DUPLICATES');
  expect(message).toMatch(
    /user_id is not unique in it: 2 values occur more than once, such as "u7" \(3 rows\), "u9" \(2 rows\)/,
  );
});

test('of several columns that are shared, the one that finds its rows', async () => {
  const log = csv(300, { id: (i) => 9000 + i });
  const items = Array.from({ length: 23 }, (_, i) => `${i + 1},${i},k${i % 3}`).join('\n');
  const { config } = await proposed({ 'log.csv': log, 'items.csv': `id,item_id,kind\n${items}` });
  expect(config.joins?.map(({ on }) => on)).toEqual([{ item_id: 'item_id' }]);
  const others = Array.from({ length: 23 }, (_, i) => `${i + 1},k${i % 3}`).join('\n');
  const folder = temporaryFolder({ 'log.csv': log, 'things.csv': `id,kind\n${others}` });
  const { message } = await failure(init([join(folder, 'log.csv'), join(folder, 'things.csv')]));
  expect(message).toMatch(/shares id with .*log\.csv, but no row of .*log\.csv finds its value there/);
});
