/** Rates against their definition, row by row: which rows they count, which they must not know, and that scored rows get the same. */
import { rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { bucketOf } from '../../../src/data/encode/tokens.ts';
import { encodeFile } from '../../../src/data/predict/encode-file.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared, verifyPrepared } from '../../../src/data/prepared/open.ts';
import type { PreparedData } from '../../../src/data/prepared/prepared.ts';
import { openDuckDB, query } from '../../../src/data/sql/duckdb.ts';
import { openRowEncoder } from '../row-encoder.ts';
import { dataset, EVERYWHERE, failure, readParquetRows, temporaryFolder } from '../support.ts';

interface Row {
  user: number | null;
  item: number;
  time: number;
  click: 0 | 1 | null;
}

const PRIOR_ROWS = 3;
const rate = (name: string, of: string[], more: object = {}): DatasetInput['fields'][number] => ({
  kind: 'rate',
  name,
  of,
  task: 'click',
  priorRows: PRIOR_ROWS,
  quantiles: 12,
  ...more,
});

const config = (split: DatasetInput['split'], rates: DatasetInput['fields']): DatasetInput => ({
  name: 'rates',
  sources: { log: { path: 'log.csv' } },
  // The rates first: fields that follow from others may stand anywhere.
  fields: [...rates, { name: 'user', kind: 'categorical' }, { name: 'item', kind: 'categorical', minCount: 2 }],
  scenario: { expression: '0', values: [0] },
  tasks: [
    { name: 'other', label: '1' },
    { name: 'click', label: 'click' },
  ],
  split,
});

const csv = (rows: Row[]): string =>
  `user,item,time,click\n${rows.map(({ user, item, time, click }) => `${user ?? ''},${item},${time},${click ?? ''}`).join('\n')}\n`;

const BY_TIME: DatasetInput['split'] = { kind: 'time', column: 'time', ratios: [0.6, 0.2, 0.2] };
const BY_COLUMN: DatasetInput['split'] = {
  kind: 'column',
  column: "CASE WHEN time % 5 = 3 THEN 'validation' WHEN time % 5 = 4 THEN 'test' ELSE 'train' END",
};

async function prepared(rows: Row[], split: DatasetInput['split'], rates: DatasetInput['fields'], earlier?: string) {
  const folder = temporaryFolder({ 'log.csv': csv(rows) });
  const out = join(folder, 'out');
  await prepare({
    config: dataset(config(split, rates)),
    sourceFolder: folder,
    out,
    ...(earlier && { vocabularyFrom: earlier }),
  });
  return openPrepared(out);
}

/** Ids of a field within it, by part, and the part of each row of the file. */
async function idsOf(data: PreparedData, field: string): Promise<number[][]> {
  const parts = [];
  for (const part of ['train', 'validation', 'test'])
    parts.push(
      (await readParquetRows(join(data.folder, `${part}.parquet`))).map((row) => Number(row[`field_${field}`])),
    );
  return parts;
}

/** Places in the file of the rows of each part: parts keep the order of the file. */
function partsOf(
  rows: Row[],
  split: DatasetInput['split'],
  borders: PreparedData['manifest']['splitBorders'],
): number[][] {
  const partOf = ({ time }: Row): number => {
    if (split?.kind === 'column') return [0, 0, 0, 1, 2][time % 5];
    const [validation, test] = [borders?.validation, borders?.test].map((at) => (at ? Number(at) : Infinity));
    return time >= test ? 2 : time >= validation ? 1 : 0;
  };
  return [0, 1, 2].map((part) => rows.flatMap((row, i) => (partOf(row) === part ? [i] : [])));
}

/** By the definition, in quadratic time. `counts` says whether row j is one that row i may know. */
function rateOf(
  rows: Row[],
  i: number,
  keyOf: (row: Row) => string | undefined,
  counts: (j: number) => boolean,
): number {
  const key = keyOf(rows[i]);
  let [n, s, all, positive] = [0, 0, 0, 0];
  rows.forEach((row, j) => {
    if (row.click === null || !counts(j)) return;
    all++;
    positive += row.click;
    if (key === undefined || keyOf(row) !== key) return;
    n++;
    s += row.click;
  });
  return (s + PRIOR_ROWS * ((positive + 1) / (all + 2))) / (n + PRIOR_ROWS);
}

/** Values that the vocabularies have; an item needs two training rows. */
const keys = (rows: Row[], train: number[]): Record<string, (row: Row) => string | undefined> => {
  const users = new Set(train.map((i) => rows[i].user));
  const itemRows = (item: number): number => train.filter((i) => rows[i].item === item).length;
  const user = (row: Row) => (row.user !== null && users.has(row.user) ? `u${row.user}` : undefined);
  const item = (row: Row) => (itemRows(row.item) >= 2 ? `i${row.item}` : undefined);
  const both = (row: Row) =>
    user(row) !== undefined && item(row) !== undefined ? `${user(row)} ${item(row)}` : undefined;
  return { by_user: user, by_item: item, by_both: both };
};

const RATES = (more: object = {}) => [
  rate('by_user', ['user'], more),
  rate('by_item', ['item'], more),
  rate('by_both', ['item', 'user'], more),
];

/** The folds of DuckDB's hash, which a second reader of the rule would ask it for, too. */
async function foldsOf(rows: number, folds: number): Promise<number[]> {
  const { connection, close } = await openDuckDB(EVERYWHERE);
  const found = await query(
    connection,
    `SELECT (md5_number_upper('rates:' || i) % ${folds})::INTEGER AS fold FROM range(${rows}) AS t(i) ORDER BY i`,
    'folds',
  );
  close();
  return found.map(({ fold }) => Number(fold));
}

const row = fc.record({
  user: fc.option(fc.nat(5), { freq: 6 }),
  item: fc.nat(4),
  time: fc.nat(30),
  click: fc.option(fc.constantFrom<0 | 1>(0, 1), { freq: 8 }),
});
const logs = fc.array(row, { minLength: 40, maxLength: 80 });

describe('every row has the rate of the definition', () => {
  test.each([
    { name: 'rows at earlier times', split: BY_TIME, more: {}, folds: undefined },
    { name: 'other folds', split: BY_COLUMN, more: { from: { folds: 3 } }, folds: 3 },
    { name: 'other folds under a split by time', split: BY_TIME, more: { from: { folds: 4 } }, folds: 4 },
  ])('$name', async ({ split, more, folds }) => {
    await fc.assert(
      fc.asyncProperty(logs, async (rows) => {
        const data = await prepared(rows, split, RATES(more));
        const parts = partsOf(rows, split, data.manifest.splitBorders);
        const [train] = parts;
        const isTrain = new Set(train);
        const foldOf = folds === undefined ? [] : await foldsOf(rows.length, folds);
        const encoder = await openRowEncoder(data);
        for (const [name, keyOf] of Object.entries(keys(rows, train))) {
          const field = data.manifest.fields.find((f) => f.name === name);
          const bucket = (value: number): number => 2 + bucketOf({ edges: field?.edges ?? [] }, value);
          const known = (i: number) => (j: number) =>
            isTrain.has(j) &&
            (!isTrain.has(i) || (folds === undefined ? rows[j].time < rows[i].time : foldOf[j] !== foldOf[i]));
          const expected = parts.map((part) => part.map((i) => bucket(rateOf(rows, i, keyOf, known(i)))));
          expect(await idsOf(data, name)).toEqual(expected);
          // What a service computes of a row is what validation and test rows have.
          for (const part of [1, 2])
            parts[part].forEach((i, k) => {
              const ids = new Int32Array(encoder.slots);
              encoder.encode({ ...rows[i] }, ids);
              const place = data.manifest.fields.findIndex((f) => f.name === name);
              expect(ids[place] - data.manifest.fields[place].offset).toBe(expected[part][k]);
            });
        }
        rmSync(dirname(data.folder), { recursive: true });
      }),
      { numRuns: 2 },
    );
  });
});

test('no training row knows its own label', async () => {
  await fc.assert(
    fc.asyncProperty(logs, fc.nat(), fc.boolean(), async (rows, at, byTime) => {
      const split = byTime ? BY_TIME : BY_COLUMN;
      const before = await prepared(rows, split, RATES());
      const [train] = partsOf(rows, split, before.manifest.splitBorders);
      const k = at % train.length;
      const changed = rows.map((row, i): Row => (i === train[k] ? { ...row, click: row.click === 1 ? 0 : 1 } : row));
      // The vocabularies go on, so that the buckets have the same edges.
      const after = await prepared(changed, split, RATES(), before.folder);
      for (const { name, edges } of before.manifest.fields.slice(0, 3)) {
        expect(after.manifest.fields.find((f) => f.name === name)?.edges).toEqual(edges);
        expect((await idsOf(after, name))[0][k]).toBe((await idsOf(before, name))[0][k]);
      }
    }),
    { numRuns: 3 },
  );
});

const ROWS: Row[] = Array.from({ length: 60 }, (_, i) => ({
  user: i % 7 === 6 ? null : i % 7,
  item: (i * i) % 5,
  time: i >> 1,
  click: (i * 13) % 17 === 0 ? null : (Number((i * i + i) % 7 < 3) as 0 | 1),
}));

describe('a prepared folder with rates', () => {
  test('is whole, says what rates are of, and scores a file as it prepared it', async () => {
    const data = await prepared(ROWS, BY_TIME, RATES());
    await verifyPrepared(data.folder);
    expect(data.manifest.fields[2]).toMatchObject({ kind: 'rate', slots: 1, rates: { of: ['item', 'user'] } });
    const log = join(dirname(data.folder), 'new.csv');
    const parts = partsOf(ROWS, BY_TIME, data.manifest.splitBorders);
    const scored = [...parts[1], ...parts[2]];
    writeFileSync(log, csv([...scored.map((i) => ROWS[i]), { user: 99, item: 98, time: 1, click: null }]));
    const work = join(dirname(data.folder), 'work');
    const { reader, close } = await encodeFile({ data, input: log, work });
    const found: number[] = [];
    for await (const { ids } of reader.batches({ batchSize: 1000 })) found.push(...ids);
    await close();
    const encoder = await openRowEncoder(data);
    const ids = new Int32Array(encoder.slots);
    const expected = [...scored.map((i): object => ROWS[i]), { user: 99, item: 98 }].flatMap((row) => {
      encoder.encode({ ...row }, ids);
      return [...ids];
    });
    expect(found).toEqual(expected);
    // A row of which nothing is known has the mean rates.
    const unknown = data.manifest.fields
      .slice(0, 3)
      .map(({ offset, rates }) => offset + (rates?.unknown ?? Number.NaN));
    expect(found.slice(-5, -2)).toEqual(unknown);
  });

  test('the same inputs give the same hash', async () => {
    const [one, two] = [await prepared(ROWS, BY_TIME, RATES()), await prepared(ROWS, BY_TIME, RATES())];
    expect(one.manifest.hash).toBe(two.manifest.hash);
  });
});

test('what a rate names must be there and have values', async () => {
  const { problems } = (await failure(
    (async () =>
      dataset(
        config(BY_COLUMN, [rate('r', ['user', 'nobody']), rate('q', ['r'], { task: 'buy', from: 'earlier' })]),
      ))(),
  ).catch((cause: unknown) => ({ problems: (cause as { issues: { path: unknown[] }[] }).issues }))) as {
    problems: { path: unknown[] }[];
  };
  expect(problems.map(({ path }) => path.join('.'))).toEqual([
    'fields.0.of.1',
    'fields.1.of.0',
    'fields.1.task',
    'fields.1.from',
  ]);
});
