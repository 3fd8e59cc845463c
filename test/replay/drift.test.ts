/** Drift of a log against the statistics of an artifact, whose rows had each token of a field alike and a tenth unknown ones. */
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { driftSchema } from '../../src/documents/loop/drift.ts';
import { EVENT_SCHEMA, type Impression } from '../../src/events/event.ts';
import { logDrift } from '../../src/replay/drift.ts';
import { driftText } from '../../src/report/loop/drift.ts';
import { writeTestArtifact } from '../serve/artifacts.ts';
import { temporaryFolder } from '../serve/support.ts';
import { written } from './logs.ts';

const SCENARIOS = ['home', 'search', 'detail "x"'];
const TASKS = ['click', 'purchase'];
const cells = SCENARIOS.flatMap((scenario) =>
  TASKS.map((task) => ({
    scenario,
    task,
    rows: 1000,
    positives: 100,
    edges: [0.25, 0.5],
    shares: [0.5, 0.25, 0.25],
    mean: 0.3,
  })),
);
let folder: string;
let name: string;
let id: string;
beforeEach(() => {
  folder = join(temporaryFolder(), 'artifact');
  ({ name, id } = writeTestArtifact({ folder, cells }));
});

/** Answers with three shown items and one that was not; `known`: items that users ask about. */
function impressions(count: number, known: (draw: number) => number): Impression[] {
  const generator = random('drift', count);
  const token = (prefix: string, size: number): string =>
    generator.uniform() < 0.1 ? 'new' : `${prefix}${generator.below(size)}`;
  return Array.from({ length: count }, (_, i) => ({
    schema: EVENT_SCHEMA,
    event_id: `event ${i}`,
    kind: 'impression',
    time: Date.UTC(2026, 0, 1) + i * 60_000,
    request_id: `request ${i}`,
    scenario: SCENARIOS[generator.below(2)],
    unit: null,
    model: `${name}@${id}`,
    score_hash: '0'.repeat(16),
    policy: { kind: 'deterministic' },
    candidates: 4,
    items: Array.from({ length: 4 }, (_, k) => ({
      item_id: String(k),
      position: k < 3 ? k + 1 : null,
      score: 0,
      probabilities: { click: generator.uniform() / 2, purchase: 0.6 },
      values: { item: k < 3 && generator.uniform() < 0.9 ? String(known(generator.below(60))) : 'new', tags: 't1|t2' },
    })),
    values: { user: token('u', 40), hour: token('', 24), age: 20, city: 'Rome' },
  }));
}

test('data like those of training have an index as by chance; what moved is first', async () => {
  const same = await logDrift(await written(impressions(2000, (item) => item)), folder);
  expect(driftSchema.parse(same)).toEqual(same);
  expect(same).toMatchObject({ artifact: { name, id }, answers: 2000, rows: 6000, trainingRows: 1000, notes: [] });
  expect([same.first, same.last]).toEqual(['2026-01-01T00:00:00.000Z', '2026-01-02T09:19:00.000Z']);
  const of = (document: typeof same, field: string) => document.fields.find((one) => one.field === field);
  // 20 tokens, unknown ones and the rest: 21 / 6000 + 21 / 1000.
  expect(of(same, 'item')?.byChance).toBeCloseTo(21 / 6000 + 21 / 1000, 12);
  for (const field of ['item', 'user', 'hour']) expect(of(same, field)?.psi, field).toBeLessThan(0.02);
  expect(of(same, 'item')?.outOfVocabulary).toEqual({ training: 0.1, live: expect.closeTo(0.1, 1) });
  expect(of(same, 'tags')).toMatchObject({ values: 12_000, outOfVocabulary: { live: 0 } });

  const moved = await logDrift(await written(impressions(2000, (item) => item % 7)), folder);
  const fields = moved.fields.filter(({ field }) => ['item', 'user', 'hour'].includes(field));
  expect(fields[0]).toMatchObject({ field: 'item' });
  expect(fields[0].psi).toBeGreaterThan(0.25);
  expect(driftText(moved)).toMatch(/Another population than the training rows: [^.]*item \(/);
});

test('probabilities that the artifact answered fall into the buckets of its validation rows', async () => {
  const { cells: found, scenarios } = await logDrift(await written(impressions(500, (item) => item)), folder);
  expect(scenarios.map(({ training }) => training)).toEqual([0.1, 0.1, 0.1]);
  const [click, purchase] = found;
  expect(click.live[2]).toBe(0);
  expect(click.live[0]).toBeCloseTo(0.5, 1);
  expect(purchase).toMatchObject({
    live: [0, 0, 1],
    training: [0.5, 0.25, 0.25],
    mean: { training: 0.3, live: expect.closeTo(0.6, 12) },
  });
  expect(found[4]).toMatchObject({ scenario: 'detail "x"', rows: 0, psi: 0, byChance: 0, mean: { live: null } });
  const others = impressions(50, (item) => item).map((one) => ({ ...one, model: 'other@000000000000' }));
  const { cells: none, notes } = await logDrift(await written(others), folder);
  expect([none, notes]).toEqual([
    [],
    [`${name}@${id} answered nothing in this log: its probabilities cannot be compared.`],
  ]);
});

test('answers that cannot be compared are counted by their reason; times bound the rest', async () => {
  const [a, b, c, d, e] = impressions(5, (item) => item);
  const items = d.items.map((item) => ({ ...item, values: { item: [1, 2], tags: [['x']] as never } }));
  const events = [
    a,
    a,
    { ...b, scenario: 'elsewhere' },
    { ...c, values: undefined, items: c.items.map(({ values: _, ...item }) => item) },
    { ...d, items },
    e,
  ];
  const log = await written(events);
  const document = await logDrift(log, folder);
  expect(document).toMatchObject({ answers: 2, left: { duplicates: 1, otherScenarios: 1, withoutValues: 1 } });
  expect(driftText(document)).toMatch(/Left out: 1 without values, 1 in other scenarios,.*1 duplicates/);
  expect(await logDrift(log, folder, { from: e.time })).toMatchObject({
    answers: 1,
    first: new Date(e.time).toISOString(),
  });
  const none = await logDrift(log, folder, { to: a.time });
  expect(none).toMatchObject({ answers: 0, rows: 0, first: null, last: null });
  expect(driftText(none)).toContain('No answer of this log can be compared.');
});

test('sequences that requests brought are counted by type, as the model reads them', async () => {
  ({ name, id } = writeTestArtifact({ folder, cells, sequences: true }));
  const known = Array.from({ length: 6 }, (_, n) => String(n));
  const events = impressions(4, () => 1);
  events[0].sequences = { viewed: known, bought: null };
  events[1].sequences = { viewed: ['0', 'new'] };
  events[2].sequences = { viewed: [] };
  const document = await logDrift(await written(events), folder);
  const length = 4;
  expect(driftSchema.parse(document).sequences).toEqual([
    { type: 'viewed', given: 2, items: 6, length, full: 1, outOfVocabulary: 1 },
    { type: 'bought', given: 0, items: 0, length, full: 0, outOfVocabulary: 0 },
  ]);
  const text = driftText(document);
  expect(text).toContain(
    'Sequence viewed: 50 % of the requests brought items, 3.0 of them on average, all 4 that the model reads in 50 %; 16.667 % of the items are unknown.',
  );
  expect(text).toContain('Sequence bought: no request brought items.');
});
