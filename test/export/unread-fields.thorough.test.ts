/** An artifact of a model that reads some of the fields has nothing of the others, and answers as the run does. */
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runSchema } from '../../src/config/run.ts';
import { openPrepared } from '../../src/data/prepared/open.ts';
import type { PreparedData } from '../../src/data/prepared/prepared.ts';
import { withFields } from '../../src/data/prepared/some-fields.ts';
import { exportRun, selectRun } from '../../src/export/export.ts';
import { predictRun } from '../../src/inference/predict.ts';
import { loadRanker } from '../../src/serve/ranker/ranker.ts';
import { requestSchema } from '../../src/serve/ranker/request-schema.ts';
import { newRun } from '../../src/train/run/new-run.ts';
import { readSegments } from '../events/read-segments.ts';
import { serving } from '../serve/support.ts';
import { prepareSmall, temporaryFolder, trainWithStops } from '../train/support.ts';

const folder = temporaryFolder();
afterAll(folder.remove);
const at = (name: string): string => join(folder.path, name);
const open = [
  [1, 1],
  [1, 1],
];
const READ = ['user', 'tags'];
const UNREAD = ['item', 'place'];
let data: PreparedData;
let run: string;
const artifacts: string[] = [];

async function train(of: PreparedData, fields: string[], name: string): Promise<string> {
  const flows = { fields: [fields, ['user'], ['place'], []], cells: [open, open, open.map(() => [0, 0]), open] };
  const config = runSchema.parse({
    model: { key: 'streams', embeddingDim: 4, flows },
    train: { batchSize: 100, maxEpochs: 1 },
    yardsticks: 'none',
  });
  const made = await newRun(config, of, { folder: at(name) });
  await trainWithStops(made);
  return made;
}

beforeAll(async () => {
  data = await openPrepared(await prepareSmall(folder.path));
  run = await train(data, READ, 'run');
  await exportRun(run, { out: at('exported') });
  await selectRun(run, { out: at('selected') });
  artifacts.push(at('exported'), at('selected'));
});

test('tables, vocabularies, rows and statistics are those of the fields that are read', async () => {
  const rows = data.manifest.fields.filter(({ name }) => READ.includes(name)).reduce((sum, { size }) => sum + size, 0);
  expect(rows).toBeLessThan(data.manifest.tableRows);
  for (const artifact of artifacts) {
    const manifest = JSON.parse(readFileSync(join(artifact, 'manifest.json'), 'utf8'));
    expect(manifest.data).toMatchObject({ tableRows: rows, unreadFields: UNREAD, fields: [{ name: 'user' }, {}] });
    expect(manifest.data).not.toHaveProperty('scenarioFields');
    expect(statSync(join(artifact, 'embedding.bin')).size).toBe(rows * 4 * 4);
    expect(Object.keys(manifest.files).filter((name) => name.startsWith('vocabularies'))).toEqual(
      READ.map((name) => `vocabularies/${name}.json`),
    );
    const { fields } = JSON.parse(readFileSync(join(artifact, 'statistics.json'), 'utf8'));
    expect(fields.map(({ name }: { name: string }) => name)).toEqual(READ);
  }
});

test('predictions have the bits of those of the run', async () => {
  const score = async (of: string, name: string): Promise<string> => {
    const output = at(`${name}.csv`);
    const place = of === run ? {} : { data: data.folder, uncalibrated: true };
    await predictRun(of, { input: at('data.csv'), output, ...place });
    return readFileSync(output, 'utf8');
  };
  const expected = await score(run, 'of-run');
  expect(await score(artifacts[0], 'of-exported')).toBe(expected);
});

test('requests may have the fields that are not read, and others are refused', async () => {
  for (const artifact of artifacts) {
    await using ranker = await loadRanker(artifact);
    const items = (more: object) => ['t1', 't2'].map((tag, id) => ({ id, tags: ['a', tag], ...more }));
    const ask = (items: { id: number }[]) => ranker.score({ scenario: 'feed', user: { user: 'u3' }, items });
    const [plain, more] = [await ask(items({})), await ask(items({ item: 'i4', place: [7] }))];
    expect(more.items.map(({ probabilities }) => probabilities)).toEqual(
      plain.items.map(({ probabilities }) => probabilities),
    );
    for (const nested of [{ a: 1 }, [['i4']]])
      await expect(ask(items({ item: nested }))).rejects.toMatchObject({
        details: { problems: [{ path: 'items.0.item' }, { path: 'items.1.item' }] },
      });
    await expect(ask(items({ itme: 'i4' }))).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
    const tensor = (name: string, ...data: string[]) => ({ name, datatype: 'BYTES', shape: [2], data });
    const inputs = [tensor('scenario', 'feed', 'feed'), tensor('user', 'u3', 'u3'), tensor('tags', 'a|t1', 'a|t2')];
    const answers = await ranker.infer({ inputs: [...inputs, tensor('item', 'i4', 'i5'), tensor('place', '0', '0')] });
    expect(answers).toEqual(await ranker.infer({ inputs }));
    const { user } = requestSchema(ranker.manifest).properties as Record<string, { properties: object }>;
    expect(user.properties).toMatchObject(
      Object.fromEntries(UNREAD.map((name) => [name, { description: 'The model does not read it.' }])),
    );
  }
});

test('a log keeps them, too: another model may read them', async () => {
  const log = at('events');
  const client = await serving([artifacts[0]], { events: { folder: log, sync: 'always' } });
  const items = [{ id: 'a', tags: ['t1'], item: 'i4' }];
  expect((await client.ask('/v1/rank', { scenario: 'feed', user: { user: 'u3', place: 'x' }, items })).status).toBe(
    200,
  );
  await expect
    .poll(async () => {
      for await (const { events } of readSegments(log))
        for (const event of events) if (event.kind === 'impression') return [event.values, event.items[0].values];
    })
    .toEqual([
      { user: 'u3', place: 'x' },
      { tags: ['t1'], item: 'i4' },
    ]);
});

test('what reads rows in any order gets those of the kept fields; sequences follow their item field', async () => {
  const sequences = {
    key: '"user"',
    time: 'time',
    item: 'item',
    length: 3,
    types: { click: 'click = 1' },
  };
  const whole = await openPrepared(await prepareSmall(folder.path, 300, 30, 'histories', 300, sequences));
  const part = withFields(whole, new Set(['item', 'place']));
  expect(withFields(whole, new Set(whole.manifest.fields.map(({ name }) => name)))).toBe(whole);
  const moves = ['item', 'place'].map((name) => {
    const [before, after] = [whole, part].map(({ manifest }) => manifest.fields.find((field) => field.name === name));
    return (before?.offset as number) - (after?.offset as number);
  });
  await using reader = await whole.open('train');
  await using narrow = await part.open('train');
  const options = { batchSize: 64, shuffle: { seed: 1, epoch: 0 } };
  const [all, some] = [reader.batches(options), narrow.batches(options)].map((of) => of[Symbol.asyncIterator]());
  for (;;) {
    const [before, after] = [(await all.next()).value, (await some.next()).value];
    if (before === undefined || after === undefined) break;
    const slots = before.ids.length / before.size;
    for (let row = 0; row < before.size; row++) {
      expect(after.ids[row * 2]).toBe(before.ids[row * slots + 1] - moves[0]);
      expect(after.ids[row * 2 + 1]).toBe(before.ids[row * slots + slots - 1] - moves[1]);
    }
    expect([...(after.sequences ?? [])]).toEqual([...(before.sequences ?? [])].map((id) => id - moves[0]));
  }
  await all.return?.();
});
