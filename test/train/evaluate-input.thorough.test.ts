/** A run measured on labelled raw files, which are read as predict reads them. */
import { existsSync, readdirSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { datasetSchema } from '../../src/config/dataset.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { type GridJson, gridToJson } from '../../src/documents/grid.ts';
import { evaluateRun } from '../../src/train/evaluate-run.ts';
import { makeRun, temporaryFolder, trainWithStops } from './support.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const HEAD = 'user,item,tags,price,place,click,bought,bot,time';
const ROWS = 900;
const lines: string[] = [];
let run: string;

beforeAll(async () => {
  const generator = random('labelled files');
  for (let row = 0; row < ROWS; row++) {
    const item = generator.below(25);
    const click = Number(generator.uniform() < (item % 3 === 0 ? 0.8 : 0.3));
    const bought = generator.uniform() < 0.1 ? '' : 3 * Number(generator.uniform() < 0.4);
    const place = row % 50 === 7 ? '' : ['home', 'search'][generator.below(2)];
    const tags = item % 4 === 0 ? '' : `t${item % 5}|t${item % 7}`;
    const bot = Number(row % 20 === 3);
    lines.push(`u${generator.below(20)},i${item},${tags},1.${item}0,${place},${click},${bought},${bot},${row}`);
  }
  writeFileSync(at('log.csv'), [HEAD, ...lines].join('\n'));
  const config = datasetSchema.parse({
    name: 'shop',
    sources: { log: { path: 'log.csv' } },
    where: 'bot = 0',
    fields: [
      { name: 'user', kind: 'categorical' },
      { name: 'item', kind: 'categorical' },
      { name: 'tags', kind: 'multi', maxLength: 3 },
      { name: 'price', kind: 'categorical' },
      { name: 'amount', kind: 'numeric', expression: 'price', buckets: { quantiles: 6 } },
    ],
    scenario: { expression: 'place', values: ['home', 'search'] },
    tasks: [
      { name: 'click', label: 'click' },
      { name: 'buy', label: 'bought > 0' },
    ],
    group: '"user"',
    split: { kind: 'time', column: 'time' },
  });
  const { manifest } = await prepare({ config, sourceFolder: folder.path, out: at('data') });
  expect(manifest.splits.test.rows).toBeGreaterThan(50);
  run = await makeRun(at('run'), at('data'), { model: { key: 'mmoe', embeddingDim: 4 } });
  await trainWithStops(run);
});

const measured = (input: string[]): ReturnType<typeof evaluateRun> => evaluateRun(run, 'test', { input });

/** Equal but for the order in which groups are added up. */
function expectSame(found: GridJson, expected: GridJson): void {
  expect(found.cells.map(({ rows, positives, unlabelled }) => [rows, positives, unlabelled])).toEqual(
    expected.cells.map(({ rows, positives, unlabelled }) => [rows, positives, unlabelled]),
  );
  for (const name of ['auc', 'groupedAuc', 'ndcg', 'map', 'logloss', 'calibrationError'] as const)
    for (const [i, cell] of found.cells.entries())
      expect(cell[name], name).toBeCloseTo(expected.cells[i][name] as number, 12);
}

/** The lines of the test rows, with those that are left out among them. */
async function testLines(): Promise<string[]> {
  const { grid } = await evaluateRun(run, 'test');
  const rows = gridToJson(grid)
    .cells.filter(({ task }) => task === 'click')
    .reduce((sum, { rows: n }) => sum + n, 0);
  const isCounted = (line: string): boolean => /,(home|search),/.test(line) && line.split(',')[7] === '0';
  let from = lines.length;
  for (let left = rows; left > 0; ) if (isCounted(lines[--from])) left--;
  return lines.slice(from);
}

test('files with the test rows measure as the split does: labels, scenario and where are those of the configuration', async () => {
  const own = await testLines();
  writeFileSync(at('test.csv'), [HEAD, ...own].join('\n'));
  const expected = gridToJson((await evaluateRun(run, 'test')).grid);
  const { grid, data } = await measured([at('test.csv')]);
  expectSame(gridToJson(grid), expected);
  const counted = expected.cells.filter(({ task }) => task === 'click').reduce((sum, { rows }) => sum + rows, 0);
  expect(data).toEqual({
    name: at('test.csv'),
    rows: counted,
    isOwn: false,
    leftOut: own.length - counted,
    ignored: [],
  });

  const half = Math.floor(own.length / 2);
  writeFileSync(at('first.csv'), [HEAD, ...own.slice(0, half)].join('\n'));
  writeFileSync(at('second.csv'), [HEAD, ...own.slice(half)].join('\n'));
  expectSame(gridToJson((await measured([at('first.csv'), at('second.csv')])).grid), expected);
  const names = HEAD.split(',');
  const asJson = own.map((line) =>
    JSON.stringify(
      Object.fromEntries(
        line.split(',').map((value, i) => [names[i], i > 4 ? (value === '' ? null : Number(value)) : value]),
      ),
    ),
  );
  writeFileSync(at('test.jsonl'), asJson.join('\n'));
  expectSame(gridToJson((await measured([at('test.jsonl')])).grid), expected);
});

test('what a file lacks, and labels that are none, are named', async () => {
  writeFileSync(at('unlabelled.csv'), ['user,item,tags,price,place,bot', 'u1,i1,,1.10,home,0'].join('\n'));
  const lacking = measured([at('unlabelled.csv')]);
  await expect(lacking).rejects.toMatchObject({ code: 'DATA_COLUMNS_MISSING', exitCode: 3 });
  await expect(lacking).rejects.toThrow(/"click" \(used by task "click"\)/);
  writeFileSync(at('bad-label.csv'), [HEAD, 'u1,i1,,1.10,home,7,3,0,1'].join('\n'));
  await expect(measured([at('bad-label.csv')])).rejects.toMatchObject({ code: 'DATA_LABEL_INVALID' });
  await expect(measured([at('nowhere.csv')])).rejects.toMatchObject({ code: 'DATA_FILES_MISSING' });
  // A label that is none in a row that does not count disturbs nobody.
  const two = [HEAD, 'u1,i1,,1.10,home,7,3,1,1', 'u1,i1,,1.10,,7,3,0,2', 'u1,i1,,1.10,home,1,0,0,3'];
  writeFileSync(at('left-out.csv'), two.join('\n'));
  const { grid, data } = await measured([at('left-out.csv')]);
  expect(data).toMatchObject({ rows: 1, leftOut: 2 });
  expect(grid.cells.map(({ rows }) => rows)).toEqual([1, 1, 0, 0]);
});

test('nothing is left in the temporary folder', async () => {
  const before = readdirSync(tmpdir()).filter((name) => name.startsWith('tributary-evaluate-'));
  await measured([at('test.csv')]);
  await measured([at('bad-label.csv')]).catch(() => undefined);
  const after = readdirSync(tmpdir()).filter(
    (name) => name.startsWith('tributary-evaluate-') && !before.includes(name),
  );
  expect(after.filter((name) => existsSync(join(tmpdir(), name, 'rows')))).toEqual([]);
});
