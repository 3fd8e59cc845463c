/** Explanations of requests: by the numbers that a service answers with, over HTTP, and those of its log. */
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { explainRecorded, explainRequest } from '../../src/diagnose/explain/explain.ts';
import { recordedRequest } from '../../src/diagnose/explain/recorded.ts';
import { type ExplanationDocument, explanationSchema } from '../../src/documents/diagnose/explanation.ts';
import { lineOf } from '../../src/events/line.ts';
import { openSegments, segmentLog } from '../../src/events/segments/folder.ts';
import { explanationText } from '../../src/report/diagnose/explanation.ts';
import type { RankedItem } from '../../src/serve/ranker/contract.ts';
import { loadRanker } from '../../src/serve/ranker/ranker.ts';
import { artifact, serving, temporaryFolder } from '../serve/support.ts';

const CALIBRATION = [0, 1, 2].map(() => [
  { kind: 'platt' as const, scale: 0.8, shift: -0.3 },
  { kind: 'isotonic' as const, x: [-3, 0, 3], y: [0.05, 0.3, 0.9] },
]);

const REQUEST = {
  request_id: 'asked',
  scenario: 'home',
  user: { user: 'u7', age: 33, city: 'Lyon' },
  context: { hour: 20 },
  items: Array.from({ length: 12 }, (_, i) => ({ id: i, item: i, tags: i % 4 === 0 ? undefined : `t${i % 12}|t1` })),
};

async function ranker(folder: string) {
  const loaded = await loadRanker(folder);
  onTestFinished(() => loaded.close());
  return loaded;
}

/** What a service answered, to the same request: probabilities and explanations are equal to the last bit. */
function expectAsAnswered({ items, explained, tasks }: ExplanationDocument, answered: readonly RankedItem[]): void {
  expect(
    items.map(({ item, score, tasks: own }) => [item, score, ...own.map(({ probability }) => probability)]),
  ).toEqual(
    answered.map(({ id, score, probabilities }) => [String(id), score, ...tasks.map((task) => probabilities[task])]),
  );
  explained.forEach(({ fields, flows }, i) => {
    const { explanation } = answered[i];
    for (const { field, alone } of fields) expect(alone).toEqual(tasks.map((task) => explanation?.fields[field][task]));
    expect(flows).toEqual(explanation?.flows);
  });
}

test.each([
  { model: 'a joint graph with gates', options: {} },
  { model: 'a graph for each scenario', options: { selected: true } },
  { model: 'sequences', options: { sequences: true } },
])('$model: the bits that a service answers with, over HTTP and from its log', async ({ options }) => {
  const { folder } = artifact({ calibration: CALIBRATION, ...options });
  const events = join(temporaryFolder(), 'events');
  const sequences = { viewed: [3, 4], bought: [9] };
  const request = 'sequences' in options ? { ...REQUEST, user: { ...REQUEST.user, sequences } } : REQUEST;
  const client = await serving([folder], { events: { folder: events, unshown: 100, sync: 'always' } });
  const { body } = await client.ask('/v1/rank', { ...request, explain: true });
  await client.ask('/v1/rank', { ...request, request_id: 'another', items: request.items.slice(0, 3) });
  await client.service.close();
  const own = await ranker(folder);
  const document = await explainRequest(own, request, 'request.json');
  expect(explanationSchema.parse(JSON.parse(JSON.stringify(document)))).toEqual(document);
  expectAsAnswered(document, body.items);
  expect(document.request).toEqual({ source: 'request', from: 'request.json', id: 'asked' });
  const compact = segmentLog(events);
  const impression = await recordedRequest(compact, 'asked');
  const recorded = await explainRecorded(own, impression, compact.name);
  expect(recorded.recorded).toMatchObject({ model: own.label, largest: 0 });
  expect(recorded.items.map(({ position, recorded: then }) => [position, then?.position])).toEqual(
    document.items.map(({ position }) => [position, position]),
  );
  expect(recorded.lead).toEqual(document.lead);
  // The same event as older services wrote it.
  const old = join(temporaryFolder(), 'old');
  const sink = openSegments(old);
  await sink.append([lineOf(impression)]);
  await sink.close();
  expect(await recordedRequest(segmentLog(old), 'asked')).toEqual(impression);
  expect((await recordedRequest(compact)).request_id).toBe('another');
  await expect(recordedRequest(compact, 'aske')).rejects.toMatchObject({ code: 'EXPLAIN_NOT_RECORDED' });
});

test('shares add up to the logit, the score and the lead; parts and their rest to the score', async () => {
  const { folder } = artifact({ calibration: CALIBRATION });
  const own = await ranker(folder);
  const document = await explainRequest(own, REQUEST, 'r');
  const { items, explained, unknown, lead, shares, tasks } = document;
  expect(shares).toEqual({ method: 'exact', orders: 0, seed: 1 });
  const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
  for (const { position, fields } of explained) {
    const { score, tasks: answered, rest } = items[position - 1];
    expect(sum(fields.map((field) => field.score?.value ?? Number.NaN))).toBeCloseTo(score - (unknown.score ?? 0), 9);
    tasks.forEach((_, t) => {
      expect(sum(fields.map((field) => field.shares[t].value))).toBeCloseTo(answered[t].logit - unknown.logits[t], 5);
    });
    // A weighted sum: its terms.
    expect(answered.map(({ part }) => part)).toEqual([
      expect.closeTo(0.3 * answered[0].probability, 12),
      expect.closeTo(answered[1].probability, 12),
    ]);
    expect(rest).toBe(0);
  }
  expect(lead?.difference).toBe(items[0].score - items[1].score);
  expect(sum(lead?.fields.map(({ share }) => share.value) ?? [])).toBeCloseTo(lead?.difference ?? 0, 9);
  const [user] = explained[0].fields.filter(({ field }) => field === 'user');
  expect(user).toMatchObject({ value: 'u7', unknown: false });
  expect(explanationText(document)).toMatch(
    /^\d+ is first in home: its score of 0\.\d+ is 0\.\d+ above that of \d+\. /,
  );
});

test('values that are not there, or not known, bring nothing; other items are explained by their id', async () => {
  const own = await ranker(artifact().folder);
  const request = {
    scenario: 'search',
    user: { user: 'nobody' },
    items: [{ id: 'a', item: 1 }, { id: 'b', item: 2 }, { id: 'c' }],
  };
  const { explained, notes, items } = await explainRequest(own, request, 'r', { top: 1, items: ['c'] });
  expect(explained.map(({ item }) => item).toSorted()).toEqual(
    [...new Set([items[0].item, items[1].item, 'c'])].toSorted(),
  );
  const fields = new Map(explained[0].fields.map((field) => [field.field, field]));
  for (const [name, value] of [
    ['user', 'nobody'],
    ['age', null],
    ['tags', null],
  ] as const)
    expect(fields.get(name)).toMatchObject({
      value,
      unknown: true,
      alone: [0, 0],
      score: { value: 0, low: 0, high: 0 },
    });
  expect(notes).toEqual(['The request has no value of age, city, item (of 1 of 3 candidates), tags, hour.']);
  await expect(explainRequest(own, request, 'r', { items: ['d'] })).rejects.toMatchObject({
    code: 'EXPLAIN_ITEM',
    details: { found: ['d'], candidates: 3 },
  });
  await expect(explainRequest(own, { items: 1 }, 'r')).rejects.toMatchObject({ code: 'REQUEST_INVALID' });
});

test('scores that are undefined without a probability have no part of it', async () => {
  const { folder } = artifact({ score: { default: 'log(click) + purchase', scenarios: {} } });
  const { items, explained } = await explainRequest(await ranker(folder), REQUEST, 'r');
  expect(items[0].tasks[0].part).toBeNull();
  expect(items[0].tasks[1].part).toBeCloseTo(items[0].tasks[1].probability, 12);
  expect(items[0].rest).toBeNull();
  expect(explained[0].fields[0].score).not.toBeNull();
});

test('one candidate has no lead; models of another artifact are named', async () => {
  const own = await ranker(artifact().folder);
  const one = await explainRequest(own, { ...REQUEST, items: REQUEST.items.slice(0, 1) }, 'r');
  expect(one.lead).toBeNull();
  expect(explanationText(one)).toMatch(/^0 is the only candidate in home/);
  const [older, events] = [
    await ranker(artifact({ seed: 2, name: 'older' }).folder),
    join(temporaryFolder(), 'events'),
  ];
  const client = await serving([older.folder], { events: { folder: events, sync: 'always', unshown: 2 } });
  await client.ask('/v1/rank', { ...REQUEST, top_k: 5 });
  await client.service.close();
  const document = await explainRecorded(own, await recordedRequest(segmentLog(events)), events);
  expect(document.recorded).toMatchObject({ model: older.label, largest: null });
  expect(document.notes).toEqual([
    expect.stringMatching(/^The request has no value of tags \(of \d of 7 candidates\)\.$/),
    '5 of 12 candidates are not in the log (events.unshown), and take no part.',
    `${older.label} had answered this request: positions and scores of the log are its own.`,
  ]);
  expect(explanationText(document)).toContain(`was given by ${older.label}.`);
});
