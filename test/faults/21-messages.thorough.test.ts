import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import type { DatasetInput } from '../../src/config/dataset.ts';
import { loadDatasetConfig } from '../../src/config/load.ts';
import { failure, findingsOf, prepareOnce, temporaryFolder, writeParquet } from '../data/support.ts';
import { faultFolder } from './folder.ts';

/** The configuration changed as a message says, word for word. */
function follow(message: string, config: DatasetInput): DatasetInput {
  const [, list] = /write (nullValues: \[.*?\]) in the source "log"/.exec(message) ?? [];
  const [, label] = /label: (.+)$/.exec(message) ?? [];
  const [, instead] = /write (.+?) instead of/.exec(message) ?? [];
  const [, expression] = /rite expression: (.+ AS DOUBLE\))/.exec(message) ?? [];
  const { log } = config.sources;
  const source = list === undefined ? log : { ...log, ...parse(list) };
  const replaced = (sql: string): string =>
    instead === undefined || list !== undefined ? sql : sql.replace('click', instead);
  return {
    ...config,
    sources: { log: source },
    tasks: config.tasks.map((task) => ({ ...task, label: replaced(label ?? task.label) })),
    fields: config.fields.map((f) =>
      f.kind === 'numeric' && list === undefined && expression ? { ...f, expression } : f,
    ),
  };
}

async function failing(config: DatasetInput, folder: string, check: string): Promise<string> {
  const found = await findingsOf(await loadDatasetConfig(config), folder, check);
  const [finding] = found.filter(({ level }) => level === 'fail');
  expect(finding, JSON.stringify(found)).toBeDefined();
  return `${finding.message} (${finding.count})`;
}

const FAULT = faultFolder('21-messages');
const open = async (name: string) => ({
  config: await loadDatasetConfig(join(FAULT, name, 't.yaml')),
  folder: join(FAULT, name),
});
const labelsOf = (rows: Record<string, unknown>[]): number[] =>
  [1, 0, null].map((label) => rows.filter((row) => row.label_click === label).length);

describe('the files of the fault', () => {
  test('numbers with NULL among them', async () => {
    const { config, folder } = await open('nulls');
    const message = await failing(config, folder, 'field-types');
    expect(message).toMatch(
      /"NULL".*nullValues: \['', 'NULL', 'inf'\] in the source "log".*TRY_CAST\(price AS DOUBLE\) \(89\)/,
    );
    for (const advised of [follow(message, config), follow(message.replace(/write nullValues.*, or /, ''), config)]) {
      const { statistics } = await prepareOnce(await loadDatasetConfig(advised), folder);
      const missing = Object.values(statistics.fields[2].perSplit).map((part) => part.missing);
      expect(missing.reduce((a, b) => a + b)).toBe(89);
    }
  });

  test('0.0 and 1.0 with nan among them', async () => {
    const { config, folder } = await open('label-nan');
    const message = await failing(config, folder, 'labels');
    expect(message).toMatch(/click gives "nan", .*nullValues: \['', 'nan'\] in the source "log"\. \(40\)/);
    const { rows } = await prepareOnce(await loadDatasetConfig(follow(message, config)), folder);
    expect(labelsOf(rows)[2]).toBe(40);
  });

  test('Y and N', async () => {
    const { config, folder } = await open('label-yn');
    const message = await failing(config, folder, 'labels');
    expect(message).toMatch(/Make it a comparison, such as label: click = 'Y' \(400\)/);
    const advised = follow(message.replace(/ \(\d+\)$/, ''), config);
    expect(labelsOf((await prepareOnce(await loadDatasetConfig(advised), folder)).rows)[2]).toBe(0);
  });
});

/** 60 rows whose labels are the texts in turns. */
const log = (values: string[], parquet = false): DatasetInput => ({
  name: 't',
  sources: { log: { path: parquet ? 'log.parquet' : 'log.csv' } },
  fields: [{ name: 'item', kind: 'categorical' }],
  scenario: { expression: '0', values: [0] },
  tasks: [{ name: 'click', label: 'click' }],
  split: { kind: 'key', column: 'item', ratios: [1, 0, 0] },
  notes: [`values ${values.join()}`],
});
async function folderOf(values: string[], parquet = false): Promise<string> {
  const rows = Array.from({ length: 60 }, (_, i) => `${i % 7},${values[i % values.length]}`);
  const folder = temporaryFolder({ 'log.csv': `item,click\n${rows.join('\n')}\n` });
  if (parquet) {
    const csv = `read_csv('${join(folder, 'log.csv')}', all_varchar = true, header = true)`;
    await writeParquet(join(folder, 'log.parquet'), `SELECT item::INTEGER AS item, click FROM ${csv}`);
  }
  return folder;
}

describe('advice about labels works when it is followed', () => {
  test.each([
    [
      ['Y', 'N'],
      [30, 30, 0],
    ],
    [
      ['yes', 'no', 'NULL'],
      [20, 20, 20],
    ],
    [
      ['n', 'y', 'NA'],
      [20, 20, 20],
    ],
    [
      ['T', 'F', '\\N'],
      [20, 20, 20],
    ],
    [
      ['click', 'none'],
      [30, 0, 30],
    ],
    [
      ['clicked', 'ignored'],
      [30, 30, 0],
    ],
    [
      ['0', '1', '-'],
      [20, 20, 20],
    ],
    [
      ['0', '1', 'nan', 'NULL', ''],
      [12, 12, 36],
    ],
    [
      ['1.0', '0.0', 'NaN'],
      [20, 20, 20],
    ],
    [
      ['true', 'false', 'None'],
      [20, 20, 20],
    ],
    [
      ['Y', 'yes', 'N', 'no', 'n/a', 'NULL'],
      [20, 20, 20],
    ],
    [
      ['1', '2'],
      [30, 30, 0],
    ],
    [
      ['-1', '1'],
      [30, 30, 0],
    ],
    [
      ['1', '2', '3', '4', '5', 'NA'],
      [20, 30, 10],
    ],
    [
      ['0', '1', '2', '7'],
      [45, 15, 0],
    ],
  ])('%j', async (values, expected) => {
    for (const parquet of values.length === 3 ? [false, true] : [false]) {
      const folder = await folderOf(values, parquet);
      let config = log(values, parquet);
      // A second round may be needed: what is left once missing values are.
      for (let round = 0; round < 2; round++) {
        const [finding] = await findingsOf(await loadDatasetConfig(config), folder, 'labels');
        if (finding.level !== 'fail') break;
        config = follow(finding.message, config);
      }
      const { rows } = await prepareOnce(await loadDatasetConfig(config), folder);
      expect(labelsOf(rows), JSON.stringify(config)).toEqual(expected);
    }
  });

  test('true and false, 0.0 and 1.0 need none', async () => {
    for (const values of [
      ['true', 'FALSE', ''],
      ['0.0', '1', ''],
    ]) {
      const folder = await folderOf(values, true);
      expect(labelsOf((await prepareOnce(await loadDatasetConfig(log(values, true)), folder)).rows)).toEqual([
        20, 20, 20,
      ]);
    }
  });

  test('times and lists', async () => {
    for (const [sql, label] of [
      ["CASE WHEN i % 3 = 0 THEN TIMESTAMP '2024-01-01' END", 'click IS NOT NULL'],
      ["CASE WHEN i % 3 = 0 THEN ['a'] ELSE []::VARCHAR[] END", 'len(click) > 0'],
    ]) {
      const folder = temporaryFolder();
      await writeParquet(join(folder, 'log.parquet'), `SELECT i % 7 AS item, ${sql} AS click FROM range(60) AS t(i)`);
      const config = log([], true);
      const message = await failing(config, folder, 'labels');
      expect(message).toContain(`label: ${label}`);
      const advised = { ...config, tasks: [{ name: 'click', label }] };
      expect(labelsOf((await prepareOnce(await loadDatasetConfig(advised), folder)).rows)).toEqual([20, 40, 0]);
    }
  });
});

describe('advice about numbers works when it is followed', () => {
  test.each([
    [['1.5', '2', 'NA'], 20],
    [['1.5', '2', 'nan'], 20],
    [['1.5', '2', '-'], 20],
    [['007', '1', '2'], 0],
    [['$3.50', '$1', '$2'], 0],
    [['3,5', '1,25', '2'], 0],
    [['1,234', '2,345,678', '5'], 0],
    [['12 EUR', '3 EUR', '4.5 EUR'], 0],
    [['12%', '3%', '4.5%'], 0],
    [['cheap', '1', '2'], 20],
  ])('%j', async (values, missing) => {
    for (const parquet of values.length === 3 ? [false, true] : [false]) {
      const folder = await folderOf(
        values.map((text) => `"${text}"`),
        parquet,
      );
      const config: DatasetInput = {
        ...log(values, parquet),
        fields: [{ name: 'click', kind: 'numeric', buckets: { quantiles: 3 } }],
        tasks: [{ name: 'like', label: 'item > 3' }],
      };
      const advised = follow(await failing(config, folder, 'field-types'), config);
      const { statistics } = await prepareOnce(await loadDatasetConfig(advised), folder);
      expect(statistics.fields[0].perSplit.train.missing, JSON.stringify(advised)).toBe(missing);
    }
  });
});

test('an expression that fails on a text column says which text made it one', async () => {
  const values = ['1', '4', '5', 'NA'];
  const folder = await folderOf(values);
  const config: DatasetInput = { ...log(values), tasks: [{ name: 'click', label: 'click > 3' }] };
  const columns = await failing(config, folder, 'columns');
  const { code, message } = await failure(prepareOnce(await loadDatasetConfig(config), folder));
  expect(code).toBe('DATA_EXPRESSION_INVALID');
  for (const text of [columns, message])
    expect(text).toMatch(
      /click is a text because of "NA" \(15 of 60 rows\): write nullValues: \['', 'NA'\] in the source "log"/,
    );
  expect(labelsOf((await prepareOnce(await loadDatasetConfig(follow(message, config)), folder)).rows)).toEqual([
    30, 15, 15,
  ]);
  const cast = { ...config, tasks: [{ name: 'click', label: 'CAST(click AS DOUBLE) > 3' }] };
  expect((await failure(prepareOnce(await loadDatasetConfig(cast), folder))).message).toMatch(/because of "NA"/);
  writeFileSync(join(folder, 'log.csv'), 'item,click\n1,a\n2,b\n');
  expect((await failure(prepareOnce(await loadDatasetConfig(config), folder))).message).not.toMatch(/because of/);
});
