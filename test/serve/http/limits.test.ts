/** What one request may take of a service. */
import { expect, test } from 'vitest';
import { createAnswerSize } from '../../../src/serve/http/answer-size.ts';
import { createRecorder } from '../../../src/serve/models/recorder.ts';
import { artifact, type Client, REQUEST, serving } from '../support.ts';

const items = (count: number) => Array.from({ length: count }, (_, id) => ({ id, item: id % 60 }));
const rank = (client: Client, body: object) => client.ask('/v1/rank', { ...REQUEST, ...body });
/** Rows of fields. */
const infer = (client: Client, rows: number, outputs?: object[]) =>
  client.ask('/v2/models/test-model/infer', {
    inputs: [{ name: 'scenario', shape: [rows], datatype: 'BYTES', data: new Array(rows).fill('home') }],
    outputs,
  });
const PARTS = 6;

test('an answer that would be too large is refused before it is computed', async () => {
  const client = await serving([artifact().folder], { limits: { answerBytes: 20_000 } });
  const refused = await rank(client, { items: items(500) });
  expect([refused.status, refused.body.error.code]).toEqual([413, 'ANSWER_TOO_LARGE']);
  expect(refused.body.error.message).toContain('limits.answerBytes');
  expect((await rank(client, { items: items(500), top_k: 50 })).status).toBe(200);
  const explained = await rank(client, { items: items(50), explain: true });
  expect(explained.body.error.code).toBe('ANSWER_TOO_LARGE');
  expect((await rank(client, { items: items(50), explain: true, top_k: 3 })).status).toBe(200);
  expect((await infer(client, 300)).body.code).toBe('ANSWER_TOO_LARGE');
  expect((await infer(client, 300, [{ name: 'probability_click' }])).status).toBe(200);
});

test('estimates are above the sizes of answers, and not far', async () => {
  for (const sequences of [false, true]) {
    const { folder, manifest } = artifact({ sequences });
    const client = await serving([folder]);
    const parts = Object.keys((await rank(client, { explain: true })).body.items[0].explanation.fields);
    const size = createAnswerSize(manifest, parts);
    for (const [count, isExplained] of [
      [500, false],
      [40, true],
    ] as const) {
      const request = { ...REQUEST, items: items(count), explain: isExplained };
      const { text } = await client.ask('/v1/rank', request);
      const estimate = size.ranking(request, count, isExplained ? count : 0);
      expect(text.length).toBeLessThan(estimate + 200);
      expect(text.length).toBeGreaterThan(estimate / 3);
    }
    if (sequences) continue; // its graph reads what a request of fields alone does not give
    const { text } = await infer(client, 500);
    expect(text.length).toBeLessThan(size.tensors(500, []) + 600);
    expect(text.length).toBeGreaterThan(size.tensors(500, []) / 3);
  }
});

test('explanations that may never be computed say so; those that only have to wait are told to come back', async () => {
  const client = await serving([artifact().folder], { limits: { waitingRows: 50 }, batching: { windowMs: 200 } });
  const refused = await rank(client, { items: items(10), explain: true });
  expect([refused.status, refused.body.error.code]).toEqual([413, 'EXPLANATION_TOO_LARGE']);
  expect(refused.body.error.message).toContain(`${10 * PARTS} rows`);
  expect(refused.headers.get('retry-after')).toBeNull();
  const explained = rank(client, { items: items(5), explain: true });
  await new Promise((done) => setTimeout(done, 50));
  for (const other of [
    rank(client, { items: items(20) }),
    rank(client, { items: items(3), explain: true }),
    infer(client, 20),
  ]) {
    const { status, body, headers } = await other;
    expect([status, body.code ?? body.error.code, headers.get('retry-after')]).toEqual([503, 'SERVER_BUSY', '1']);
  }
  expect((await explained).body.items[4].explanation).toBeDefined();
  const { text } = await client.ask('/metrics');
  expect(text).toMatch(/^tributary_waiting_rows 0$/m);
});

test('places are given back after refusals and failures', async () => {
  const client = await serving([artifact().folder], { limits: { waitingRows: 50 } });
  await rank(client, { user: { age: 'old' } });
  await infer(client, 10_001);
  await infer(client, 3, [{ name: 'none' }]);
  expect((await client.ask('/metrics')).text).toMatch(/^tributary_waiting_rows 0$/m);
  expect((await rank(client, { items: items(50) })).status).toBe(200);
});

test('recorded requests stay small', () => {
  const recorder = createRecorder(3);
  const request = (user: Record<string, unknown>, count = 2) => ({ scenario: 'home', user, items: items(count) });
  recorder.add(request({ tags: new Array(300_000).fill(1) }), 8_000_000);
  recorder.add(request({ user: 'x'.repeat(300_000) }), 300_100);
  expect(recorder.requests()).toEqual([]);
  recorder.add(request({}, 10_000), 8_000_000);
  expect(recorder.requests()[0].items.length).toBe(100);
});
