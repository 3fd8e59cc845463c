import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { servingSchema } from '../../../src/config/serving.ts';
import { createRowEncoder } from '../../../src/data/encode/encoder.ts';
import { createSession } from '../../../src/runtime/session.ts';
import type { Item, RankedItem, RankRequest } from '../../../src/serve/ranker/contract.ts';
import { createRanker, loadRanker } from '../../../src/serve/ranker/ranker.ts';
import type { Ranker, RankerOptions } from '../../../src/serve/ranker/ranker-contract.ts';
import { openArtifact } from '../../../src/store/artifact/open.ts';
import { artifact, serving } from '../support.ts';

const items = (count: number): Item[] =>
  Array.from({ length: count }, (_, i) => ({ id: i, item: i % 70, tags: i % 4 === 0 ? undefined : `t${i % 12}|t1` }));

const REQUEST: RankRequest = {
  scenario: 'home',
  user: { user: 'u7', age: 33, city: 'Lyon' },
  context: { hour: 20 },
  items: items(12),
};

async function ranker(folder: string, options: RankerOptions = {}): Promise<Ranker> {
  const loaded = await loadRanker(folder, options);
  onTestFinished(() => loaded.close());
  return loaded;
}

/** Logits of whole rows, each encoded by itself and run in one batch: another way to the same numbers. */
async function logitsOf(folder: string, { scenario, user, context, items: all }: RankRequest): Promise<number[][]> {
  const { encoder: source, manifest, path } = await openArtifact(folder);
  const encoder = createRowEncoder(source);
  const ids = new Int32Array(all.length * encoder.slots);
  all.forEach((item, i) => void encoder.encode({ ...user, ...context, ...item }, ids, i * encoder.slots));
  const session = await createSession(path('graph.onnx'), { threads: 1 });
  const index = manifest.data.scenarios.indexOf(scenario);
  const { logits } = await session.run({
    ids: { type: 'int32', shape: [all.length, encoder.slots], data: ids },
    scenario: { type: 'int32', shape: [all.length], data: new Int32Array(all.length).fill(index) },
  });
  await session.release();
  const T = manifest.data.tasks.length;
  return all.map((_, i) => [...logits.data.subarray(i * T, (i + 1) * T)]);
}

const sigmoid = (x: number): number => 1 / (1 + Math.exp(-x));

test('score: probabilities of each row as it is, and the expression over them', async () => {
  const { folder } = artifact();
  const { items: found, model } = await (await ranker(folder)).score(REQUEST);
  const logits = await logitsOf(folder, REQUEST);
  expect(model).toMatch(/^test-model@[0-9a-f]{12}$/);
  expect(found.map(({ id }) => id)).toEqual(REQUEST.items.map(({ id }) => id));
  found.forEach(({ probabilities, score }, i) => {
    expect(probabilities.click).toBeCloseTo(sigmoid(logits[i][0]), 6);
    expect(probabilities.purchase).toBeCloseTo(sigmoid(logits[i][1]), 6);
    expect(score).toBe(probabilities.click * 0.3 + probabilities.purchase);
  });
  expect(new Set(found.map(({ score }) => score)).size).toBeGreaterThan(6);
});

test('rank: the same by falling score, equal ones in the order given, only the best where asked', async () => {
  const { folder } = artifact();
  const r = await ranker(folder);
  const twice = { ...REQUEST, items: [...items(6), ...items(6).map((item) => ({ ...item, id: `again ${item.id}` }))] };
  const { items: given } = await r.score(twice);
  const expected = [...given].sort((a, b) => b.score - a.score); // a stable sort
  const { items: ranked } = await r.rank(twice);
  expect(ranked).toEqual(expected);
  expect((await r.rank({ ...twice, top_k: 5 })).items).toEqual(expected.slice(0, 5));
});

test('context wins over user, an item over both', async () => {
  const { folder } = artifact();
  const r = await ranker(folder);
  const one = async (request: Omit<RankRequest, 'scenario'>): Promise<number> =>
    (await r.score({ scenario: 'home', ...request })).items[0].score;
  const direct = await one({ items: [{ id: 1, user: 'u1', age: 40, hour: 3 }] });
  expect(
    await one({ user: { user: 'u1', age: 20, hour: 9 }, context: { age: 40, hour: 9 }, items: [{ id: 1, hour: 3 }] }),
  ).toBe(direct);
  expect(await one({ user: { user: 'u1', age: 20 }, items: [{ id: 1, hour: 3 }] })).not.toBe(direct);
});

test('each scenario has its expression; a configuration may replace them', async () => {
  const { folder } = artifact();
  const r = await ranker(folder, {
    config: { score: { 'test-model': { default: 'max(click, purchase)', scenarios: { home: 'purchase' } } } },
  });
  const score = async (scenario: string): Promise<RankedItem> => (await r.score({ ...REQUEST, scenario })).items[0];
  const [home, search, detail] = [await score('home'), await score('search'), await score('detail "x"')];
  expect(home.score).toBe(home.probabilities.purchase);
  expect(search.score).toBe(search.probabilities.click); // the artifact's own
  expect(detail.score).toBe(Math.max(detail.probabilities.click, detail.probabilities.purchase));
});

test('calibration is that of scenario and task', async () => {
  const none = { kind: 'none' } as const;
  const platt = { kind: 'platt', scale: 0.5, shift: -1 } as const;
  const isotonic = { kind: 'isotonic', x: [-1, 1], y: [0.2, 0.6] } as const;
  const { folder } = artifact({
    calibration: [
      [platt, { ...isotonic, x: [-1, 1], y: [0.2, 0.6] }],
      [none, none],
      [none, none],
    ],
  });
  const { items: found } = await (await ranker(folder)).score(REQUEST);
  const logits = await logitsOf(folder, REQUEST);
  found.forEach(({ probabilities }, i) => {
    expect(probabilities.click).toBeCloseTo(sigmoid(0.5 * logits[i][0] - 1), 6);
    expect(probabilities.purchase).toBeCloseTo(0.2 + 0.4 * Math.min(Math.max((logits[i][1] + 1) / 2, 0), 1), 6);
  });
});

test('an expression that gives no number is refused, not ranked', async () => {
  const { folder } = artifact({ score: { default: 'log(click - click)', scenarios: {} } });
  await expect(loadRanker(folder).then((r) => r.rank(REQUEST))).rejects.toMatchObject({ code: 'SCORE_UNDEFINED' });
});

test('explain: the logit lost with each field, and nothing for a field that was not known', async () => {
  const { folder } = artifact();
  const { items: found } = await (await ranker(folder)).score({
    ...REQUEST,
    items: [{ id: 1, item: 5, hour: 2 }],
    user: { user: 'u3' },
    explain: true,
  });
  const fields = found[0].explanation?.fields ?? {};
  expect(Object.keys(fields)).toEqual(['user', 'age', 'city', 'item', 'tags', 'hour']);
  for (const unknown of ['age', 'city', 'tags']) expect(fields[unknown]).toEqual({ click: 0, purchase: 0 });
  const request = { scenario: 'home', context: { hour: 20 } };
  const [[whole], [without]] = [
    await logitsOf(folder, { ...request, user: { user: 'u3' }, items: [{ id: 1, item: 5, hour: 2 }] }),
    await logitsOf(folder, { ...request, items: [{ id: 1, item: 5, hour: 2 }] }),
  ];
  expect(fields.user.click).toBeCloseTo(whole[0] - without[0], 5);
  expect(fields.user.purchase).toBeCloseTo(whole[1] - without[1], 5);
  expect(Math.abs(fields.user.click)).toBeGreaterThan(1e-3);
});

test('explain: the flows that reach each task for the row, as the gate network decides by itself', async () => {
  const { folder, manifest } = artifact();
  const { items: found } = await (await ranker(folder)).score({ ...REQUEST, explain: true });
  const names = manifest.flows?.names ?? [];
  expect(names.length).toBeGreaterThan(1);
  const { encoder: source, path } = await openArtifact(folder);
  const encoder = createRowEncoder(source);
  const session = await createSession(path('flows.onnx'), { threads: 1 });
  for (const [i, { explanation }] of found.entries()) {
    const ids = new Int32Array(encoder.slots);
    encoder.encode({ ...REQUEST.user, ...REQUEST.context, ...REQUEST.items[i] }, ids);
    const feeds = {
      ids: { type: 'int32', shape: [1, encoder.slots], data: ids },
      scenario: { type: 'int32', shape: [1], data: new Int32Array([0]) },
    } as const;
    const { gates } = await session.run(Object.fromEntries(session.inputs.map((name) => [name, feeds[name as 'ids']])));
    const kept = (t: number): string[] => names.filter((_, k) => gates.data[k * 2 + t] === 0);
    expect(explanation?.flows).toEqual({ click: kept(0), purchase: kept(1) });
  }
  await session.release();
  expect(new Set(found.map(({ explanation }) => JSON.stringify(explanation?.flows))).size).toBeGreaterThan(1);
});

test('explanations are of the first items only', async () => {
  const { folder } = artifact();
  const { limits } = (await import('../../../src/config/serving.ts')).servingSchema.parse({
    limits: { explainedItems: 2 },
  });
  const { items: found } = await (await ranker(folder, { config: { limits } })).rank({ ...REQUEST, explain: true });
  expect(found.map(({ explanation }) => explanation !== undefined)).toEqual(found.map((_, i) => i < 2));
});

test("sequences: the user's last items count, unknown types are refused", async () => {
  const { folder } = artifact({ sequences: true });
  const r = await ranker(folder);
  const scores = async (sequences?: object): Promise<number[]> =>
    (await r.score({ ...REQUEST, user: { ...REQUEST.user, ...(sequences && { sequences }) } })).items.map(
      ({ score }) => score,
    );
  const without = await scores();
  expect(await scores({ viewed: [] })).toEqual(without);
  const seen = await scores({ viewed: [1, 2], bought: [9] });
  expect(seen).not.toEqual(without);
  expect(await scores({ viewed: [50, 51, 52, 1, 2], bought: [9] })).not.toEqual(seen);
  expect(await scores({ viewed: [33, 50, 51, 52, 1, 2], bought: [9] })).toEqual(
    await scores({ viewed: [51, 52, 1, 2], bought: [9] }),
  );
  await expect(scores({ liked: [1] })).rejects.toMatchObject({ code: 'SEQUENCE_INVALID' });
  await expect(scores({ viewed: [{}] })).rejects.toMatchObject({ code: 'ROW_VALUE_INVALID' });
  const { items: found } = await r.score({
    ...REQUEST,
    user: { sequences: { viewed: [1, 2] } },
    items: items(2),
    explain: true,
  });
  expect(found[0].explanation?.fields.sequences.click).not.toBe(0);
});

test('over HTTP the answer is that of the library, with the ids asked for', async () => {
  const { folder } = artifact();
  const client = await serving([folder]);
  const expected = await (await ranker(folder)).rank(REQUEST);
  const { status, body, headers } = await client.ask('/v1/rank', { ...REQUEST, request_id: 'mine' });
  expect(status).toBe(200);
  expect(body).toEqual({ ...expected, request_id: 'mine', took_ms: expect.any(Number) });
  expect(headers.get('x-content-type-options')).toBe('nosniff');
  const named = await client.ask('/v1/score', REQUEST, { 'x-request-id': 'from-a-proxy' });
  expect(named.body.request_id).toBe('from-a-proxy');
  expect((await client.ask('/v1/score', REQUEST, { 'x-request-id': 'bad id\t' })).body.request_id).toMatch(
    /^[0-9a-f-]{36}$/,
  );
});

test('several models: the first unless one is named, by name or by name and id', async () => {
  const [first, second] = [artifact({ name: 'a' }), artifact({ name: 'b', seed: 2 })];
  const client = await serving([first.folder, second.folder]);
  const model = async (name?: string): Promise<string> => {
    const { body } = await client.ask('/v1/rank', { ...REQUEST, model: name });
    return body.model ?? body.error.code;
  };
  const [a, b] = [`a@${first.manifest.id}`, `b@${second.manifest.id}`];
  expect([await model(), await model('b'), await model(b), await model('a')]).toEqual([a, b, b, a]);
  expect([await model('c'), await model('a@000000000000'), await model('__proto__')]).toEqual([
    'MODEL_NOT_SERVED',
    'MODEL_NOT_SERVED',
    'MODEL_NOT_SERVED',
  ]);
});

test('requests at the same time run as one batch and get their own answers', async () => {
  const { folder } = artifact();
  const batches: [number, number][] = [];
  const waiting = {
    rows: 0,
    limit: 10_000,
    onBatch: (rows: number, requests: number) => void batches.push([rows, requests]),
  };
  const config = servingSchema.parse({});
  const r = await createRanker(folder, { source: folder, config, waiting, createSession });
  onTestFinished(() => r.close());
  const requests = Array.from({ length: 20 }, (_, i) => ({
    ...REQUEST,
    scenario: ['home', 'search'][i % 2],
    user: { user: `u${i}` },
    items: items(1 + i),
  }));
  const alone: RankedItem[][] = [];
  for (const request of requests) alone.push((await r.rank(request)).items);
  batches.length = 0;
  const together = await Promise.all(requests.map((request) => r.rank(request)));
  together.forEach(({ items: found }, i) => {
    expect(found.map(({ id }) => id)).toEqual(alone[i].map(({ id }) => id));
    found.forEach(({ score }, k) => void expect(score).toBeCloseTo(alone[i][k].score, 6));
  });
  expect(batches).toEqual([[210, 20]]);
  expect(waiting.rows).toBe(0);
});

test('the types of requests are those of the artifact', async () => {
  const { folder } = artifact({ sequences: true });
  const { typesOf } = await import('../../../src/serve/ranker/types.ts');
  const text = typesOf((await openArtifact(folder)).manifest);
  expect(join(text)).toContain('scenario: "home" | "search" | "detail \\"x\\"";');
  expect(text).toContain('tags?: (string | number | boolean | null)[] | string | number | boolean | null;');
  expect(text).toContain('    purchase: number;');
});
