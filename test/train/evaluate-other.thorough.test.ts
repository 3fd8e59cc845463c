/** A run measured on data that it was not trained on: everything goes by name and by the texts of tokens. */
import { cpSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { type DatasetInput, datasetSchema } from '../../src/config/dataset.ts';
import { prepare } from '../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import { type GridJson, gridToJson } from '../../src/documents/grid.ts';
import { evaluateRun } from '../../src/train/evaluate-run.ts';
import { makeRun, temporaryFolder, trainWithStops } from './support.ts';

const folder = temporaryFolder();
const at = (name: string): string => join(folder.path, name);
afterAll(() => folder.remove());

const CONFIG: DatasetInput = {
  name: 'shop',
  sources: { log: { path: 'log.csv' } },
  fields: [
    { name: 'user', kind: 'categorical' },
    { name: 'item', kind: 'categorical' },
    { name: 'tags', kind: 'multi', maxLength: 3 },
    { name: 'code', kind: 'categorical', hash: 64 },
    { name: 'price', kind: 'numeric' },
  ],
  scenario: { expression: 'place', values: [0, 1], names: ['feed', 'search'] },
  tasks: [
    { name: 'click', label: 'click' },
    { name: 'buy', label: 'buy' },
  ],
  group: '"user"',
  split: { kind: 'time', column: 'time' },
  sequences: {
    key: '"user"',
    time: 'time',
    item: 'item',
    length: 4,
    types: { click: 'click = 1', all: 'true' },
  } as DatasetInput['sequences'],
};

const MODEL = { key: 'dtrn', embeddingDim: 4 };
const prepared = async (name: string, config: DatasetInput): Promise<string> => {
  await prepare({ config: datasetSchema.parse(config), sourceFolder: folder.path, out: at(name) });
  return at(name);
};

/** Rows whose items are drawn from a range: other ranges give other vocabularies. */
function writeLog(file: string, rows: number, firstItem: number): void {
  const generator = random('other data', rows, firstItem);
  const lines = ['user,item,tags,code,price,place,click,buy,time'];
  for (let row = 0; row < rows; row++) {
    const item = firstItem + generator.below(25);
    const click = Number(generator.uniform() < (item % 3 === 0 ? 0.8 : 0.3));
    const buy = generator.uniform() < 0.1 ? '' : Number(generator.uniform() < 0.4);
    const tags = item % 4 === 0 ? '' : `t${item % 5}|t${item % 7}`;
    lines.push(
      `u${generator.below(20)},i${item},${tags},c${item},${item * 3},${generator.below(2)},${click},${buy},${row}`,
    );
  }
  writeFileSync(at(file), lines.join('\n'));
}

let run: string;
beforeAll(async () => {
  writeLog('log.csv', 700, 0);
  const data = await prepared('own', CONFIG);
  run = await makeRun(at('run'), data, { model: MODEL, train: { maxEpochs: 2, patience: 2 } });
  await trainWithStops(run);
});

const grid = async (data?: string, split: 'train' | 'validation' | 'test' = 'test'): Promise<GridJson> =>
  gridToJson((await evaluateRun(run, split, { data })).grid);

test('the same rows in data of another order, with more fields and other names, have the same bits', async () => {
  const { fields, tasks, scenario, sequences } = CONFIG;
  const types = (sequences as { types: Record<string, string> }).types;
  const turned = await prepared('turned', {
    ...CONFIG,
    name: 'turned',
    fields: [
      { name: 'hour', kind: 'categorical', expression: 'time % 24' },
      ...fields.toReversed().map((field) => (field.kind === 'multi' ? { ...field, maxLength: 5 } : field)),
    ],
    scenario: { ...scenario, values: [1, 0], names: ['search', 'feed'] },
    tasks: [...tasks.toReversed(), { name: 'never', label: '0' }],
    sequences: { ...sequences, length: 7, types: Object.fromEntries(Object.entries(types).toReversed()) } as never,
  });
  expect((await openPrepared(turned)).manifest.hash).not.toBe((await openPrepared(at('own'))).manifest.hash);
  for (const split of ['test', 'train'] as const)
    expect(await grid(turned, split)).toEqual(await grid(undefined, split));
  const { data } = await evaluateRun(run, 'test', { data: turned });
  expect(data).toMatchObject({ name: 'turned', isOwn: false });
});

test('tokens go by their texts: other vocabularies give the ids of the run', async () => {
  writeLog('later.csv', 500, 10);
  const config = { ...CONFIG, name: 'later', sources: { log: { path: 'later.csv' } }, sequences: CONFIG.sequences };
  const later = await prepared('later', config);
  // The vocabularies of the run go on: known tokens keep their ids, new ones come after them.
  const out = at('continued');
  const continued = { config: datasetSchema.parse({ ...config, name: 'continued' }), sourceFolder: folder.path, out };
  await prepare({ ...continued, vocabularyFrom: at('own') });
  expect(await grid(later)).toEqual(await grid(out));
  const [own, other] = await Promise.all([at('own'), later].map(openPrepared));
  expect(await own.tokens('item')).not.toEqual(await other.tokens('item'));
});

test('a task without labels there is unlabelled; means are over the others', async () => {
  const clicks = await prepared('clicks', { ...CONFIG, name: 'clicks', tasks: [CONFIG.tasks[0]] });
  const found = await grid(clicks);
  const whole = await grid();
  expect(found.cells.filter(({ task }) => task === 'click')).toEqual(
    whole.cells.filter(({ task }) => task === 'click'),
  );
  for (const { rows, auc } of found.cells.filter(({ task }) => task === 'buy')) expect([rows, auc]).toEqual([0, null]);
});

test('what cannot be told apart by name is refused, and says what differs', async () => {
  const refused = async (name: string, change: Partial<DatasetInput>, message: RegExp): Promise<void> => {
    const data = await prepared(name, { ...CONFIG, name, ...change });
    const failure = evaluateRun(run, 'test', { data });
    await expect(failure, name).rejects.toMatchObject({ code: 'MODEL_MISFIT', exitCode: 2 });
    await expect(failure, name).rejects.toThrow(message);
  };
  const without = (dropped: string): DatasetInput['fields'] => CONFIG.fields.filter(({ name }) => name !== dropped);
  await refused('no-user', { fields: without('user') }, /no field "user"/);
  await refused(
    'text-price',
    { fields: [...without('price'), { name: 'price', kind: 'categorical' }] },
    /categorical field "price"/,
  );
  await refused(
    'buckets',
    { fields: [...without('price'), { name: 'price', kind: 'numeric', buckets: { quantiles: 5 } }] },
    /other buckets of "price".*--vocabulary-from/,
  );
  await refused(
    'hashes',
    { fields: [...without('code'), { name: 'code', kind: 'categorical', hash: 32 }] },
    /hashes into 32, the model hashes into 64/,
  );
  await refused(
    'scenarios',
    { scenario: { expression: 'place', values: [0, 1], names: ['feed', 'detail'] } },
    /rows of scenario "detail"/,
  );
  await refused('tasks', { tasks: [{ name: 'like', label: 'click' }] }, /none of the tasks click, buy/);
});

test("the run's own data may lie elsewhere: --trained-on names them", async () => {
  const turned = await prepared('other-name', { ...CONFIG, name: 'other-name' });
  const expected = await grid(turned);
  cpSync(at('own'), at('moved'), { recursive: true });
  renameSync(at('own'), at('gone'));
  try {
    const without = evaluateRun(run, 'test', { data: turned });
    await expect(without).rejects.toMatchObject({ code: 'RUN_DATA_MISSING' });
    await expect(without).rejects.toThrow('--trained-on');
    const found = await evaluateRun(run, 'test', { data: turned, trainedOn: at('moved') });
    expect(gridToJson(found.grid)).toEqual(expected);
    expect(gridToJson((await evaluateRun(run, 'test', { data: at('moved') })).grid)).toEqual(expected);
    await expect(evaluateRun(run, 'test', { data: turned, trainedOn: turned })).rejects.toMatchObject({
      code: 'RUN_OTHER_DATASET',
    });
  } finally {
    renameSync(at('gone'), at('own'));
  }
});

test('k and the minimum of cells can be asked for', async () => {
  const { grid: found } = await evaluateRun(run, 'test', { evaluation: { k: 3, minPositives: 30, minNegatives: 0 } });
  expect(found.k).toBe(3);
  const small = found.cells.filter(({ positives }) => positives < 30).map(({ leftOut }) => leftOut);
  expect(small.length).toBeGreaterThan(0);
  expect(small.every((reason) => reason?.endsWith('of 30 positives'))).toBe(!found.means.fallback);
});
