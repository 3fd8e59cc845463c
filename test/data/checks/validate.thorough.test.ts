import { describe, expect, test } from 'vitest';
import type { DatasetInput } from '../../../src/config/dataset.ts';
import { aucError } from '../../../src/data/checks/size.ts';
import { type Finding, formatFindings, validate, worstLevel } from '../../../src/data/checks/validate.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { dataset, temporaryFolder } from '../support.ts';

/** 2,000 rows of a log in which nothing is wrong: a user's taste and the slot decide the click, by chance. */
interface LogRow {
  [column: string]: string | number;
}
function log(change: (row: LogRow, i: number) => LogRow = (row) => row, rows = 2000): string {
  let state = 7;
  const draw = (n: number): number => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor((state / 4294967296) * n);
  };
  const lines = Array.from({ length: rows }, (_, i) => {
    const user = draw(50);
    const row = {
      time: 1_700_000_000 + i * 60,
      user,
      item: draw(30),
      price: (draw(1000) + 1) / 100,
      scene: ['home', 'search'][draw(2)],
      click: Number(draw(10) < 3 + (user % 2) * 4),
    };
    return change(row, i);
  });
  const columns = Object.keys(lines[0]);
  return [columns.join(','), ...lines.map((l) => columns.map((c) => l[c]).join(','))].join('\n');
}

const LOG: DatasetInput = {
  name: 'log',
  sources: { log: { path: 'log.csv' } },
  fields: [
    { kind: 'categorical', name: 'user' },
    { kind: 'categorical', name: 'item' },
    { kind: 'numeric', name: 'price' },
    { kind: 'categorical', name: 'scene' },
  ],
  scenario: { expression: 'scene', values: ['home', 'search'] },
  tasks: [{ name: 'click', label: 'click' }],
  group: 'user',
};

const check = (files: Record<string, string>, config: Partial<DatasetInput> = {}): Promise<Finding[]> =>
  validate(dataset({ ...LOG, ...config }), temporaryFolder(files));

/** The findings that are not a pass, as "level check: message". */
const wrong = (findings: Finding[]): string[] =>
  findings.filter((f) => f.level !== 'pass').map((f) => `${f.level} ${f.check}: ${f.message}`);

/** What so few rows always give. */
const OF_SIZE = /^warn (cell-sizes|validation-size):/;

test('a sound log passes every check, by name', async () => {
  const findings = await check({ 'log.csv': log() }, { split: { kind: 'time', column: 'time' } });
  // 200 test rows are too few for a sure AUC: said, and no more.
  expect(wrong(findings).filter((f) => !OF_SIZE.test(f))).toEqual([]);
  expect([...new Set(findings.map((f) => f.check))]).toEqual([
    ...['sources', 'columns', 'joins', 'rows', 'labels', 'weights', 'scenarios', 'cells', 'cell-sizes'],
    ...['training-cells', 'validation-size', 'field-types'],
    ...[
      'missing-values',
      'constant-fields',
      'id-fields',
      'rare-values',
      'leakage',
      'group',
      'duplicate-rows',
      'split',
      'parts',
      'sequences',
    ],
  ]);
  expect(worstLevel(findings)).toBe('warn');
  expect(worstLevel([])).toBe('pass');
});

describe('what stops the rest', () => {
  test('every source that cannot be read is named, and nothing else is tried', async () => {
    const findings = await check(
      { 'log.csv': log(), 'empty.csv': '' },
      { from: 'log', sources: { log: { path: 'log.csv' }, a: { path: 'nowhere/*.csv' }, b: { path: 'empty.csv' } } },
    );
    expect(wrong(findings)).toEqual([
      expect.stringMatching(/^fail sources: .*no file matches nowhere\/\*\.csv/),
      expect.stringMatching(/^fail sources: .*empty\.csv.*is empty/),
      expect.stringMatching(/^warn other-checks: not done/),
    ]);
  });

  test('all missing columns at once, with the name that was meant', async () => {
    const [finding] = wrong(
      await check(
        { 'log.csv': log() },
        { fields: [{ kind: 'categorical', name: 'itm' }], tasks: [{ name: 'buy', label: 'bought > 0' }] },
      ),
    );
    expect(finding).toMatch(/^fail columns: 2 columns[\s\S]*"itm"[\s\S]*did you mean "item"[\s\S]*"bought"/);
  });

  test('every expression that does not fit', async () => {
    const found = wrong(
      await check(
        { 'log.csv': log() },
        {
          scenario: { expression: 'scene + 1', values: ['home'] },
          tasks: [{ name: 'click', label: 'upper(' }],
        },
      ),
    );
    expect(found).toHaveLength(3);
    expect(found[0]).toMatch(/^fail columns: scenario/);
    expect(found[1]).toMatch(/^fail columns: task "click"/);
  });

  test('joins that multiply rows, and those that find nothing', async () => {
    const items = 'id,kind\n0,a\n1,b\n1,c\n2,d';
    const join = { from: 'log', sources: { log: { path: 'log.csv' }, items: { path: 'items.csv' } } };
    const on = { source: 'items', on: { item: 'id' } };
    const files = { 'log.csv': log(), 'items.csv': items };
    expect(wrong(await check(files, { ...join, joins: [on] }))).toEqual([
      expect.stringMatching(/^fail joins: id must be unique in source "items": 1 values/),
      expect.stringMatching(/^warn joins: 9\d\.\d % of the rows do not find their item .* its columns are empty there/),
      expect.stringMatching(/other-checks/),
    ]);
    const apart = { ...files, 'items.csv': 'id,kind\n70,a\n71,b' };
    const [lost] = wrong(await check(apart, { ...join, joins: [{ ...on, kind: 'inner' }] }));
    expect(lost).toMatch(/^fail joins: no row finds their item .* these rows are left out/);
  });

  test('a "where" that leaves nothing', async () => {
    expect(wrong(await check({ 'log.csv': log() }, { where: 'click = 5' }))[0]).toMatch(
      /^fail rows: .*none of 2,000 rows/,
    );
  });
});

describe('labels, scenarios and cells', () => {
  test('a label that is not 0 or 1: value and count', async () => {
    const findings = await check({ 'log.csv': log((row, i) => ({ ...row, click: i % 100 === 0 ? 2 : row.click })) });
    expect(findings.find((f) => f.check === 'labels')).toMatchObject({
      level: 'fail',
      message: expect.stringContaining('gives 2, which is none of 0, 1'),
      count: 20,
      of: 2000,
    });
  });

  test('labels that are missing', async () => {
    const most = log((row, i) => ({ ...row, click: i % 10 === 0 ? row.click : '' }));
    expect(wrong(await check({ 'log.csv': most }))).toContainEqual(
      expect.stringMatching(/^warn labels: task "click": no label in 90\.0 % of the rows/),
    );
    const none = await check({ 'log.csv': log() }, { tasks: [{ name: 'click', label: 'NULL' }] });
    expect(wrong(none)).toContainEqual(expect.stringMatching(/^fail labels: .*missing in every row/));
  });

  test('scenarios unknown, without rows, missing', async () => {
    const file = log((row, i) => ({ ...row, scene: i < 30 ? 'cart' : i < 40 ? '' : row.scene }));
    const scenario = { expression: 'scene', values: ['home', 'search', 'live'], names: ['Home', 'Search', 'Live'] };
    const findings = await check({ 'log.csv': file }, { scenario });
    expect(findings.filter((f) => f.check === 'scenarios')).toEqual([
      expect.objectContaining({ level: 'fail', message: expect.stringContaining('such as "cart"'), count: 30 }),
      expect.objectContaining({ level: 'fail', message: 'scenario "Live" has no rows' }),
      expect.objectContaining({ level: 'warn', message: expect.stringContaining('no scenario in 0.5 %'), count: 10 }),
    ]);
  });

  test('a cell with one class, and one too small for an AUC', async () => {
    const file = log((row, i) => ({ ...row, click: row.scene === 'home' ? 0 : row.click, like: Number(i % 50 === 0) }));
    const tasks = ['click', 'like'].map((name) => ({ name, label: `"${name}"` }));
    const found = wrong(await check({ 'log.csv': file }, { tasks }));
    expect(found).toContainEqual(
      expect.stringMatching(/^fail cells: scenario "home", task "click": no positives among/),
    );
    expect(found).toContainEqual(
      expect.stringMatching(/^warn cell-sizes: scenario "search", task "like": about 2 positives in \d+ test rows/),
    );
  });

  test('the standard error of an AUC: Hanley and McNeil by hand', () => {
    // A = 3/4: Q1 = 3/5, Q2 = 9/14; P = N = 10: (3/16 + 9 (3/5 - 9/16) + 9 (9/14 - 9/16)) / 100
    expect(aucError(10, 10)).toBeCloseTo(Math.sqrt((0.1875 + 9 * 0.0375 + 9 * (9 / 14 - 0.5625)) / 100), 12);
    expect(aucError(1000, 1000)).toBeLessThan(0.012);
  });
});

describe('fields', () => {
  test('constant, empty, mostly missing and one value per row', async () => {
    const file = log((row, i) => ({ ...row, same: 'x', empty: '', rare: i % 5 === 0 ? row.item : '', id: `r${i}` }));
    const fields = ['same', 'empty', 'rare', 'id'].map((name) => ({ kind: 'categorical' as const, name }));
    expect(wrong(await check({ 'log.csv': file }, { fields })).filter((f) => !OF_SIZE.test(f))).toEqual([
      'warn missing-values: field "rare" is missing in 80.0 % of the rows',
      'warn constant-fields: field "same" has the same value in every row: it says nothing',
      'fail constant-fields: field "empty" has no value in any row',
      expect.stringMatching(/^warn id-fields: field "id" has 2,000 values in 2,000 rows/),
    ]);
  });

  test('a task without labels in one scenario is measured in the others; without any it fails', async () => {
    const find = async (label: string): Promise<string[]> => {
      const tasks = [
        { name: 'click', label: 'click' },
        { name: 'buy', label },
      ];
      return wrong(await check({ 'log.csv': log() }, { tasks })).filter((text) => text.includes('no labels'));
    };
    expect(await find("CASE WHEN scene = 'home' THEN item % 2 END")).toEqual([
      'warn cells: scenario "search", task "buy": no labels, so nothing is learned or measured there',
    ]);
    expect(await find("CASE WHEN scene = 'nowhere' THEN 1 END")).toContainEqual(
      expect.stringMatching(/^fail cells: .*"buy": no labels$/),
    );
  });

  test('few positives to train on, and few rows to validate on', async () => {
    const file = log((row, i) => ({ ...row, click: Number(row.scene === 'home' ? i % 3 === 0 : i % 100 === 0) }));
    const found = wrong(await check({ 'log.csv': file }));
    expect(found).toContainEqual(
      expect.stringMatching(
        /^warn training-cells: 1 of 2 cells have fewer than 30 positives or negatives to train on \(search, click: \d+ positives\): a cell learns/,
      ),
    );
    expect(found).toContainEqual(
      expect.stringMatching(
        /^warn validation-size: 200 validation rows tell the mean AUC to ±0\.0\d+ \(one standard error/,
      ),
    );
  });

  test('values that come twice on average', async () => {
    const file = log((row, i) => ({ ...row, pair: `p${i >> 1}`, often: `o${i % 300}` }));
    const fields = ['pair', 'often'].map((name) => ({ kind: 'categorical' as const, name }));
    expect(wrong(await check({ 'log.csv': file }, { fields })).filter((f) => !OF_SIZE.test(f))).toEqual([
      expect.stringMatching(/^warn rare-values: field "pair" has 1,000 values, each in 2\.0 rows on average/),
    ]);
  });

  test('a numeric field that is a text: how many, and one of them', async () => {
    const file = log((row, i) => ({ ...row, price: i === 3 ? 'cheap' : row.price }));
    const finding = (await check({ 'log.csv': file })).find((f) => f.check === 'field-types');
    expect(finding).toMatchObject({ level: 'fail', count: 1, of: 2000 });
    expect(finding?.message).toMatch(/price[\s\S]*Not a number: "cheap"/);
  });

  test('leakage: the label under another name, a number after the fact, missing where nothing happened', async () => {
    const file = log((row, i) => ({
      ...row,
      clicked: row.click ? 'yes' : 'no',
      seconds: row.click ? 5 + (i % 40) : (i % 9) / 10,
      receipt: row.click ? (i % 3) + 1 : '',
      hint: i % 20 === 0 ? 'x' : row.click,
    }));
    const findings = await check(
      { 'log.csv': file },
      {
        fields: [
          { kind: 'categorical', name: 'clicked' },
          { kind: 'numeric', name: 'seconds' },
          { kind: 'multi', name: 'receipt' },
          { kind: 'categorical', name: 'hint' },
          { kind: 'categorical', name: 'user' },
        ],
      },
    );
    expect(wrong(findings).filter((f) => f.includes('leakage'))).toEqual([
      expect.stringMatching(/^fail leakage: field "clicked" tells the label of task "click" \(100\.0 %/),
      expect.stringMatching(/^fail leakage: field "seconds"/),
      expect.stringMatching(/^fail leakage: field "receipt"/),
      expect.stringMatching(/^warn leakage: field "hint" tells most .* known before the user acts/),
    ]);
  });

  test('rows that are copies', async () => {
    const rows = log().split('\n');
    const copied = [...rows, ...rows.slice(1, 301)].join('\n');
    expect((await check({ 'log.csv': copied })).find((f) => f.check === 'duplicate-rows')).toMatchObject({
      level: 'warn',
      count: 300,
      of: 2300,
    });
  });

  test('a group key that is no group, a weight of 0', async () => {
    const file = log((row, i) => ({ ...row, id: i, w: i % 2 }));
    const found = wrong(await check({ 'log.csv': file }, { group: 'id', weight: 'w' }));
    expect(found).toContainEqual(expect.stringMatching(/^warn group: the group key has 2,000 values/));
    expect(found).toContainEqual(expect.stringMatching(/^fail weights: w must give a number above 0/));
  });
});

describe('split', () => {
  const splitOf = async (file: string, split: DatasetInput['split']) =>
    wrong(await check({ 'log.csv': file }, { split })).filter((f) => f.includes(' split:'));

  test('times: missing, all the same, few, out of order, texts', async () => {
    const by = { kind: 'time', column: 'time' } as const;
    expect(
      await splitOf(
        log((row, i) => ({ ...row, time: i < 7 ? '' : row.time })),
        by,
      ),
    ).toEqual(['warn split: no time (time) in 0.4 % of the rows; they are left out']);
    expect(
      await splitOf(
        log((row) => ({ ...row, time: 5 })),
        by,
      ),
    ).toEqual(['fail split: time is 5 in every row, so it splits nothing']);
    expect(
      await splitOf(
        log((row, i) => ({ ...row, time: i < 1000 ? 1 : 2 })),
        by,
      ),
    ).toEqual([expect.stringMatching(/^fail split: too many rows have the last time/)]);
    expect(
      await splitOf(
        log((row, i) => ({ ...row, time: 4000 - i })),
        by,
      ),
    ).toEqual([expect.stringMatching(/^warn split: the rows are not in the order of time \(99\.95 % step back\)/)]);
    expect(
      await splitOf(
        log((row, i) => ({ ...row, time: `day ${1000 + i}` })),
        by,
      ),
    ).toEqual([
      expect.stringMatching(
        /^fail split: split: time gives texts whose order in time is not certain. Found a 9999, such as "day 1000" \(2000 rows\)/,
      ),
    ]);
  });

  test('parts without rows', async () => {
    const column = { kind: 'column', column: 'part' } as const;
    const file = log((row, i) => ({ ...row, part: i < 1500 ? 'train' : i < 1900 ? 'test' : 'later' }));
    expect(await splitOf(file, column)).toEqual([
      'fail split: the split leaves no rows for validation',
      'fail split: part must be one of "train", "validation", "test"',
    ]);
    expect(await splitOf(log(undefined, 3), { kind: 'random' })).toHaveLength(2);
    expect(await splitOf(log(), { kind: 'key', column: 'user' })).toEqual([]);
    expect(
      await splitOf(
        log((row) => ({ ...row, user: 1 })),
        { kind: 'key', column: 'user' },
      ),
    ).toHaveLength(2);
  });
});

describe('sequences', () => {
  const SEQUENCES = { key: '"user"', time: 'time', item: 'item', types: { clicked: 'click = 1', passed: 'click = 0' } };
  const byTime = { kind: 'time', column: 'time' } as const;
  const told = async (
    changes: Partial<NonNullable<DatasetInput['sequences']>>,
    file = log(),
    split: DatasetInput['split'] = byTime,
  ): Promise<string[]> => {
    const sequences = { ...SEQUENCES, ...changes };
    return wrong(await check({ 'log.csv': file }, { sequences, split })).filter((f) => /sequences/.test(f));
  };

  test('sound ones say what feeds them', async () => {
    const messages = async (split: DatasetInput['split']) => {
      const findings = await check({ 'log.csv': log() }, { sequences: SEQUENCES, split });
      return findings.filter((f) => f.check === 'sequences').map(({ level, message }) => `${level} ${message}`);
    };
    const what = 'pass clicked, passed: up to 20 items of field "item" each';
    expect(await messages(byTime)).toEqual([`${what}, of earlier rows`]);
    expect(await messages({ kind: 'random' })).toEqual([`${what}, of train rows`]);
  });

  test('expressions that fail, have no order or are no condition', async () => {
    expect(await told({ key: 'usr', time: 'tim' })).toEqual([
      expect.stringMatching(/^fail columns: 2 columns are not in the data:.*sequences\.key.*sequences\.time/s),
    ]);
    expect(await told({ time: 'time + scene' })).toEqual([expect.stringMatching(/^fail columns: sequences\.time: /)]);
    expect(await told({ time: '[time]' })).toEqual([
      expect.stringMatching(/^fail sequences: sequences\.time: .* a value of type BIGINT\[\] is not a time/),
    ]);
    expect(await told({ types: { clicked: 'price' } })).toEqual([
      expect.stringMatching(/^fail sequences: sequences\.types\.clicked: .*expected true or false/),
    ]);
  });

  test('a type that never occurs, missing and text times, keys of one row', async () => {
    expect(await told({ types: { clicked: 'click = 1', bought: 'click = 2' } })).toEqual([
      'warn sequences: no row counts for type "bought" (click = 2): its sequences are empty',
    ]);
    const holes = await told({ time: 'nullif(time % 10, 0)' }, log(), { kind: 'random' });
    expect(holes).toEqual(['warn sequences: rows without a key or a time have empty sequences and feed none']);
    expect(await told({ time: "'day ' || time" }, log(), { kind: 'random' })).toEqual([
      expect.stringMatching(/^fail sequences: sequences.time: 'day ' \|\| time gives texts whose order in time is not/),
    ]);
    expect(await told({ key: 'time' })).toEqual([
      expect.stringMatching(/2,000 keys in 2,000 rows: hardly any row has/),
    ]);
  });

  test('splits that leave little to see', async () => {
    const byUser = await told({ key: '"user"' }, log(), { kind: 'key', column: '"user"' });
    expect(byUser).toEqual([expect.stringMatching(/^warn sequences: the split keeps the rows of a key together/)]);
    expect(await told({ time: 'time + 0' })).toEqual([
      expect.stringMatching(/^warn sequences: the split goes by time, the sequences by time \+ 0: only training rows/),
    ]);
  });
});

test('findings are formatted one to a line, with counts and a last line that adds up', () => {
  const text = formatFindings([
    { check: 'rows', level: 'pass', message: 'fine' },
    { check: 'labels', level: 'fail', message: 'bad\nworse', count: 1200, of: 2000 },
  ]);
  expect(text).toBe(
    'PASS  rows    fine\nFAIL  labels  bad\n              worse (1,200 of 2,000)\n1 pass, 0 warn, 1 fail\n',
  );
});

describe('parts of the split', () => {
  test('a scenario that begins after training, with its rows in each part', async () => {
    const later = log((row, i) => ({ ...row, scene: i > 1850 ? 'new' : row.scene }));
    const scenario = { expression: 'scene', values: ['home', 'search', 'new'] };
    const findings = await check({ 'log.csv': later }, { scenario, split: { kind: 'time', column: 'time' } });
    expect(wrong(findings).filter((f) => f.includes(' parts: '))).toEqual([
      'fail parts: scenario "new" has 0 train, 0 validation, 149 test rows: nothing is learned of it',
    ]);
    expect(findings.find((f) => f.check === 'parts')?.about).toEqual({ scenario: 2 });
  });

  test('a scenario that ends before the test, a task without positives at the end', async () => {
    const early = log((row, i) => ({
      ...row,
      scene: i < 300 ? 'old' : row.scene,
      click: i >= 1800 ? 0 : row.click,
    }));
    const scenario = { expression: 'scene', values: ['home', 'search', 'old'] };
    const findings = await check({ 'log.csv': early }, { scenario, split: { kind: 'time', column: 'time' } });
    const found = wrong(findings).filter((f) => f.includes(' parts: '));
    expect(found[0]).toBe(
      'warn parts: scenario "old" has 300 train, 0 validation, 0 test rows: it is not measured there',
    );
    expect(found[1]).toMatch(/^warn parts: task "click" has [1-9]\d* train, [1-9]\d* validation, 0 test positives$/);
    expect(found).toHaveLength(2);
  });

  test('no positives for training, by a column and by a key', async () => {
    const parts = log((row, i) => ({ ...row, part: i < 1500 ? 'train' : i < 1750 ? 'validation' : 'test' }));
    const none = parts.replaceAll(/1,train$/gm, '0,train');
    const split = { kind: 'column', column: 'part' } as const;
    expect(wrong(await check({ 'log.csv': none }, { split })).filter((f) => f.includes(' parts: '))[0]).toMatch(
      /^fail parts: task "click" has 0 train, [1-9]\d* validation, [1-9]\d* test positives$/,
    );
    expect(wrong(await check({ 'log.csv': parts }, { split })).filter((f) => f.includes(' parts: '))).toEqual([]);
    const byUser = { kind: 'key', column: 'user' } as const;
    expect(wrong(await check({ 'log.csv': parts }, { split: byUser })).filter((f) => f.includes(' parts: '))).toEqual(
      [],
    );
  });

  test('a split by chance is drawn where little could be left out', async () => {
    const rare = log((row, i) => ({ ...row, scene: i % 700 === 3 ? 'rare' : row.scene }));
    const scenario = { expression: 'scene', values: ['home', 'search', 'rare'] };
    const seeds = [1, 2, 3, 4].map(async (seed) => {
      const files = { 'log.csv': rare };
      const findings = await check(files, { scenario, split: { kind: 'random', seed } });
      const told = findings.find((f) => f.check === 'parts' && f.message.startsWith('scenario "rare" has'));
      const config = dataset({ ...LOG, scenario, split: { kind: 'random', seed } });
      const folder = temporaryFolder(files);
      const { statistics } = await prepare({ config, sourceFolder: folder, out: `${folder}/out` });
      const rows = ['train', 'validation', 'test'].map(
        (part) => statistics.cells.find((cell) => cell.split === part && cell.scenario === 'rare')?.rows,
      );
      return { told: told?.message, rows };
    });
    for (const { told, rows } of await Promise.all(seeds))
      expect(told).toContain(`${rows[0]} train, ${rows[1]} validation, ${rows[2]} test rows`);
  });
});
