/** Admission and eviction of tokens over data sets whose vocabularies go on, against the same rules written down for one token. */
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, expect, test } from 'vitest';
import { type DatasetInput, datasetSchema } from '../../../src/config/dataset.ts';
import { runSchema } from '../../../src/config/run.ts';
import { prepare } from '../../../src/data/prepare/prepare.ts';
import { openPrepared } from '../../../src/data/prepared/open.ts';
import { loadModel } from '../../../src/store/run/model-file.ts';
import { setUp, startWeights } from '../../../src/train/run/setup.ts';
import { applyWarmStart } from '../../../src/train/run/warm-start.ts';
import { makeRun, temporaryFolder, trainWithStops } from '../../train/support.ts';

const folder = temporaryFolder();
afterAll(folder.remove);

interface Row {
  /** From 1. */
  day: number;
  item: string;
  tags?: string;
}

const dayText = (day: number): string => `2026-01-${String(day).padStart(2, '0')}`;

let made = 0;
/** Prepares rows of which all are for training, but the last two. */
async function prepared(
  rows: readonly Row[],
  vocabulary: DatasetInput['vocabulary'],
  vocabularyFrom?: string,
  out = join(folder.path, `data-${made++}`),
): Promise<string> {
  const lines = rows.map(({ day, item, tags = '' }, i) => `${dayText(day)},${item},${tags},${i % 2},train`);
  const rest = ['validation', 'test'].map((part) => `${dayText(28)},never,,0,${part}`);
  writeFileSync(`${out}.csv`, ['day,item,tags,click,part', ...lines, ...rest].join('\n'));
  const config = datasetSchema.parse({
    name: 'days',
    sources: { log: { path: `${out}.csv` } },
    fields: [
      { name: 'item', kind: 'categorical' },
      { name: 'tags', kind: 'multi', maxLength: 3 },
      { name: 'hashed', kind: 'categorical', expression: 'item', hash: 10 },
    ],
    scenario: { expression: '0', values: [0] },
    tasks: [{ name: 'click', label: 'click' }],
    groupRowsBy: ['part'],
    split: { kind: 'column', column: 'part', train: 'train', validation: 'validation', test: 'test' },
    vocabulary,
  });
  await prepare({ config, sourceFolder: folder.path, out, vocabularyFrom });
  return out;
}

interface Known {
  ledger: Map<string, { count: number; last: number }>;
  ids: Map<string, number>;
}

/** The rules: sightings after the last counted day, k of them for an id, `days` without one to leave. */
function expected(
  before: Known,
  sightings: readonly { day: number; token: string }[],
  now: number,
  k: number,
  days?: number,
): Known {
  const ledger = new Map([...before.ledger].map(([token, entry]) => [token, { ...entry }]));
  const counted = Math.max(-1, ...[...before.ledger.values()].map(({ last }) => last));
  for (const { day, token } of sightings) {
    if (day <= counted) continue;
    const entry = ledger.get(token) ?? { count: 0, last: 0 };
    ledger.set(token, { count: entry.count + 1, last: Math.max(entry.last, day) });
  }
  if (days !== undefined) for (const [token, { last }] of ledger) if (last < now - days) ledger.delete(token);
  const kept = [...before.ids].filter(([token]) => ledger.has(token));
  const added = [...ledger].filter(([token, { count }]) => count >= k && !before.ids.has(token));
  added.sort(([a, x], [b, y]) => y.count - x.count || (a < b ? -1 : 1));
  const end = 2 + kept.length + added.length;
  const ids = new Map(kept.filter(([, id]) => id < end));
  const taken = new Set(ids.values());
  const free = Array.from({ length: end - 2 }, (_, i) => i + 2).filter((id) => !taken.has(id));
  const moved = kept.filter(([, id]) => id >= end).sort(([, a], [, b]) => a - b);
  for (const [token] of [...moved, ...added]) ids.set(token, free.shift() as number);
  return { ledger, ids };
}

test('tokens are admitted by all their sightings, counted once each, leave when idle, and ids have no gaps', async () => {
  const row = fc.record({
    day: fc.integer({ min: 1, max: 4 }),
    item: fc.constantFrom('a', 'b', 'c', 'd', 'e', 'f'),
    tags: fc.array(fc.constantFrom('x', 'y', 'z'), { maxLength: 3 }).map((tags) => tags.join('|')),
  });
  const days = fc.option(fc.integer({ min: 1, max: 6 }), { nil: undefined });
  const sets = fc.array(fc.array(row, { minLength: 1, maxLength: 12 }), { minLength: 2, maxLength: 3 });
  await fc.assert(
    fc.asyncProperty(sets, fc.integer({ min: 1, max: 3 }), days, async (given, minCount, evictAfterDays) => {
      const vocabulary = { minCount, lifecycle: { time: 'day', ...(evictAfterDays && { evictAfterDays }) } };
      const known: Record<'item' | 'tags', Known> = {
        item: { ledger: new Map(), ids: new Map() },
        tags: { ledger: new Map(), ids: new Map() },
      };
      let earlier: string | undefined;
      for (const [s, own] of given.entries()) {
        // The window of a data set overlaps that of the one before.
        const rows = [
          ...(given[s - 1] ?? []).map((r) => ({ ...r, day: r.day + 3 * (s - 1) })),
          ...own.map((r) => ({ ...r, day: r.day + 3 * s })),
        ];
        const now = Math.max(...rows.map(({ day }) => day));
        earlier = await prepared(rows, vocabulary, earlier);
        const data = await openPrepared(earlier);
        const sightings = {
          item: rows.map(({ day, item }) => ({ day, token: item })),
          tags: rows.flatMap(({ day, tags }) =>
            tags
              .split('|')
              .filter(Boolean)
              .map((token) => ({ day, token })),
          ),
        };
        for (const name of ['item', 'tags'] as const) {
          known[name] = expected(known[name], sightings[name], now, minCount, evictAfterDays);
          const tokens = await data.tokens(name);
          expect(Object.fromEntries(tokens.slice(2).map((token, i) => [token, i + 2]))).toEqual(
            Object.fromEntries(known[name].ids),
          );
          expect(tokens.every((token) => typeof token === 'string')).toBe(true);
        }
        for await (const { size, ids, row: places } of data.batches('train'))
          for (let i = 0; i < size; i++) expect(ids[i * 5]).toBe(known.item.ids.get(rows[places[i]].item) ?? 1);
      }
    }),
    { numRuns: 4 },
  );
}, 120_000);

test('an admitted token keeps the bits of its row over a warm start; one with the id of an evicted token starts as any other', async () => {
  const vocabulary = { minCount: 2, lifecycle: { time: 'day', evictAfterDays: 5 } };
  const often = (item: string, day: number, times: number): Row[] =>
    Array.from({ length: times }, () => ({ day, item }));
  const first = [...often('stays', 1, 4), ...often('leaves', 1, 3), ...often('once', 1, 1), ...often('back', 1, 2)];
  const yesterday = await prepared(first, vocabulary);
  const run = await makeRun(join(folder.path, 'run'), yesterday, {
    model: { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [] },
    train: { batchSize: 4, maxEpochs: 2, learningRate: 0.1 },
  });
  await trainWithStops(run);

  const second = [
    ...often('stays', 5, 1),
    ...often('once', 5, 1),
    ...often('back', 5, 1),
    ...often('new', 8, 2),
    ...often('rare', 8, 1),
  ];
  const today = await openPrepared(await prepared(second, vocabulary, yesterday));
  const before = await (await openPrepared(yesterday)).tokens('item');
  const after = await today.tokens('item');
  expect(before.slice(2)).toEqual(['stays', 'leaves', 'back']);
  expect(after.slice(2)).toEqual(['stays', 'new', 'back', 'once']); // `once` was seen twice by now, `new` has the id of `leaves`

  const config = runSchema.parse({ model: { key: 'shared-bottom', embeddingDim: 4, bottomDims: [8], towerDims: [] } });
  const setup = await setUp(config, today);
  startWeights(setup, 5);
  const [{ view }] = setup.weights.tables.parts('embedding');
  const drawn = view.slice();
  await applyWarmStart(setup, run);
  const old = loadModel(run).tensors.get('embedding')?.data as Float32Array;
  const row = (numbers: Float32Array, id: number): number[] => [...numbers.subarray(id * 4, id * 4 + 4)];
  for (const token of ['stays', 'back'])
    expect(row(view, after.indexOf(token))).toEqual(row(old, before.indexOf(token)));
  for (const token of ['new', 'once'])
    expect(row(view, after.indexOf(token))).toEqual(row(drawn, after.indexOf(token)));
}, 60_000);

test('ledgers change no hash of the data, and a data set without a lifecycle has none', async () => {
  const rows = [1, 2, 3].map((day) => ({ day, item: 'a' }));
  const plain = await openPrepared(await prepared(rows, { minCount: 2 }));
  const followed = await openPrepared(await prepared(rows, { minCount: 2, lifecycle: { time: 'day' } }));
  expect(followed.manifest.hash).toBe(plain.manifest.hash);
  const ledger = 'vocabularies/item.sightings.parquet';
  expect([plain, followed].map(({ folder: path }) => existsSync(join(path, ledger)))).toEqual([false, true]);
  expect(Object.keys(followed.manifest.files)).toContain(ledger);
  // It goes on from a vocabulary without one: its tokens stay, as if seen now.
  const next = await prepared(
    [{ day: 20, item: 'b' }],
    { minCount: 1, lifecycle: { time: 'day', evictAfterDays: 2 } },
    plain.folder,
  );
  expect((await (await openPrepared(next)).tokens('item')).slice(2)).toEqual(['a', 'b']);
}, 60_000);

test.each(['click', 'item', "day || ' is no time'"])('sightings need a date or time: %s', async (time) => {
  const failing = prepared([{ day: 1, item: '1' }], { lifecycle: { time } });
  await expect(failing).rejects.toMatchObject({ code: expect.stringMatching(/^DATA_(EXPRESSION_INVALID|TIME_TEXT)$/) });
  await expect(failing).rejects.toThrow('vocabulary.lifecycle.time');
});
