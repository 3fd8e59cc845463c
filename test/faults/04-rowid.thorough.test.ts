import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { validate } from '../../src/data/checks/validate.ts';
import { predictInto } from '../../src/data/predict/predict.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { prepareOnce, readParquetRows, temporaryFolder, writeParquet } from '../data/support.ts';
import { faultFolder } from './folder.ts';

const FAULT = faultFolder('04-rowid');

/** The columns of the log. */
const OWN = ['rid', 'user', 'item', 'place', 'click', 'buy', 't'];

/** Prepares, checks and predicts the log with its columns under other names, and all that a configuration may hold. */
async function resultsWith(names: string[], parquet: boolean) {
  const folder = temporaryFolder();
  const [header, ...lines] = readFileSync(join(FAULT, 'rid/log.csv'), 'utf8').trimEnd().split('\n');
  expect(header).toBe(OWN.join());
  const csv = join(folder, 'log.csv');
  writeFileSync(csv, [names.join(), ...lines, ''].join('\n'));
  if (parquet) await writeParquet(join(folder, 'log.parquet'), `SELECT * FROM read_csv('${csv}')`);
  const input = parquet ? join(folder, 'log.parquet') : csv;
  const [rid, user, item, place, click, buy, t] = names.map((name) => `"${name}"`);
  const config = await loadDatasetConfig({
    name: 't',
    sources: { log: { path: input, derive: { odd: `${rid} % 2` } } },
    where: `${rid} <> 5`,
    deduplicate: { by: [user, item, t] },
    groupRowsBy: [names[1], names[2]],
    fields: [
      { name: 'user', kind: 'categorical', expression: user },
      { name: 'item', kind: 'categorical', expression: item },
      { name: 'ad', kind: 'categorical', hash: 50, expression: rid },
      { name: 'odd', kind: 'numeric', buckets: { quantiles: 2 } },
      { name: 'tags', kind: 'multi', expression: `[${place}, ${click}::VARCHAR]` },
    ],
    scenario: { expression: place, values: ['home', 'search'] },
    tasks: [
      { name: 'click', label: click },
      { name: 'buy', label: `CASE WHEN ${click} = 1 THEN ${buy} END` },
    ],
    weight: `1 + ${buy}`,
    group: user,
    sequences: { key: user, time: t, item: 'item', types: { clicked: `${click} = 1` }, length: 3 },
    split: { kind: 'time', column: t },
  });
  const { rows, folder: prepared, manifest, statistics } = await prepareOnce(config, folder);
  const findings = (await validate(config, folder)).map(({ check, level, count, of }) => ({ check, level, count, of }));
  const output = join(folder, 'predicted.parquet');
  const slots = manifest.fields.reduce((sum, field) => sum + field.slots, 0);
  const withSequences = join(folder, 'input.parquet');
  const read = parquet ? `read_parquet('${input}')` : `read_csv('${input}')`;
  await writeParquet(withSequences, `SELECT *, [${item}] AS sequence_clicked FROM ${read}`);
  await predictInto({
    data: await openPrepared(prepared),
    input: withSequences,
    output,
    score: async ({ size, ids, sequences = new Int32Array() }) =>
      Float32Array.from({ length: 2 * size }, (_, i) =>
        i % 2 === 0 ? ids[(i >> 1) * slots + 1] / 100 : sequences[(i >> 1) * 3] / 100,
      ),
  });
  const predicted = (await readParquetRows(output)).map((row) => Object.values(row));
  return { rows, findings, predicted, statistics, borders: manifest.splitBorders };
}

/** The results under the log's own names, made by the first test that asks. */
const known = new Map<boolean, ReturnType<typeof resultsWith>>();
function expectedOf(parquet: boolean): ReturnType<typeof resultsWith> {
  const results = known.get(parquet) ?? resultsWith(OWN, parquet);
  known.set(parquet, results);
  return results;
}

test('the rows are those that they should be', async () => {
  const { rows, predicted, statistics } = await expectedOf(false);
  expect([rows.length, statistics.leftOutBecause?.where, predicted.length]).toEqual([399, 1, 400]);
  // The item of the row and of its sequence, but for the one row that is left out.
  const scored = predicted.filter((row) => typeof row.at(-1) === 'number' && row.at(-2) === row.at(-1));
  expect(scored.length).toBeGreaterThanOrEqual(399);
});

// What DuckDB calls its own, and what tables of ours are made of.
test.each([
  [['rowid', 'f0', 'l0', 'part', 'weight', 'group_key', 'split_key']],
  [['ROWID', 'row', 'position', '__row', 's0', 'split', 'sequence_time']],
  [['__row', '__order', '__order_row', '__order_place', '__kept', '__kept_row', 'c0']],
  [['file_row_number', 'filename', 'file_index', 'number', 'k0', 'value', 'token']],
  [['item', 'user', 't', 'v', 'log', 'sources', 'rows']],
  [['rowid_', '__row_', 'n', 'first', 'key', 'time', 'items']],
])('columns called %j change nothing', async (names) => {
  for (const parquet of [false, true]) {
    const { predicted, ...found } = await resultsWith(names, parquet);
    const { predicted: wanted, ...others } = await expectedOf(parquet);
    expect(found).toEqual(others);
    expect(predicted).toEqual(wanted);
  }
});

test.each(['rowid', '__row', 'filename', 'number'])('a column called %s joins', async (name) => {
  const folder = temporaryFolder({
    'log.csv': `item,${name},click\n${Array.from({ length: 40 }, (_, i) => `${i % 5},${100 + (i % 4)},${i % 2}`).join('\n')}\n`,
    'users.csv': `${name},age\n100,young\n101,old\n102,older\n103,oldest\n`,
  });
  const config = await loadDatasetConfig({
    name: 't',
    from: 'log',
    sources: { log: { path: 'log.csv' }, users: { path: 'users.csv' } },
    joins: [{ source: 'users', on: { [name]: name } }],
    fields: [{ name: 'age', kind: 'categorical' }],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: 'click' }],
  });
  const { folder: out, rows } = await prepareOnce(config, folder);
  const tokens = await readParquetRows(join(out, 'vocabularies/age.parquet'));
  expect(rows.length).toBe(40);
  expect(tokens.map((t) => t.token).sort()).toEqual(['old', 'older', 'oldest', 'young']);
});
