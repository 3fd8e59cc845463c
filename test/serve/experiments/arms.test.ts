/** What experiments do to answers: split, fallback, interleave, shadow. */
import { expect, test } from 'vitest';
import { random } from '../../../src/base/random.ts';
import { teamDraft } from '../../../src/evaluate/experiment/index.ts';
import { artifact, REQUEST, serving } from '../support.ts';
import { armOf, experimenting, pair, request, userIn } from './support.ts';

interface Item {
  id: string;
  score: number;
  probabilities: { click: number };
  team?: string;
}

const users = Array.from({ length: 24 }, (_, i) => `u${i}`);

test('split: arms are artifacts; the answer and the log name experiment, arm and version', async () => {
  const { folders, control, treatment } = pair();
  const { client, impressions } = await experimenting(folders, [
    { key: 'models', unit: 'user', arms: { control: { model: control }, treatment: { model: treatment } } },
  ]);
  for (const user of users) {
    const arm = armOf('models', user) as number;
    const { body } = await client.ask('/v1/rank', request(user));
    expect(body.model).toBe([control, treatment][arm]);
    expect(body.experiments).toEqual([{ key: 'models', arm: ['control', 'treatment'][arm], bucket_version: 0 }]);
    const { body: plain } = await client.ask('/v1/rank', request(user, { model: body.model }));
    expect(body.items).toEqual(plain.items);
    expect(plain.experiments).toBeUndefined(); // it asked for one artifact
  }
  const logged = await impressions();
  const exposed = logged.filter(({ experiments }) => experiments !== undefined);
  expect([logged.length, exposed.length]).toEqual([48, 24]);
  for (const { unit, model, experiments } of exposed) {
    const arm = armOf('models', unit as string) as number;
    expect(model).toBe([control, treatment][arm]);
    expect(experiments).toEqual([
      { key: 'models', arm: ['control', 'treatment'][arm], bucket: expect.any(Number), bucket_version: 0 },
    ]);
  }
});

test('requests that take no part are answered as without experiments, to the byte', async () => {
  const { folders, treatment } = pair();
  const plain = await serving(folders);
  const { client, impressions } = await experimenting(folders, [
    {
      key: 'part',
      unit: 'user',
      scenarios: ['home'],
      coverage: 0.3,
      arms: { control: {}, treatment: { model: treatment } },
    },
  ]);
  const outside = users.filter((user) => armOf('part', user, [0.5, 0.5], 0.3) === undefined);
  expect(outside.length).toBeGreaterThan(10);
  const requests = [
    ...outside.map((user) => request(user)),
    request(userIn('part', 1, 0.3), { scenario: 'search' }),
    request(null),
    { ...REQUEST, user: undefined },
    request(['u1', 'u2'] as never),
  ];
  for (const each of requests) {
    const withId = { ...each, request_id: 'r' };
    const [a, b] = await Promise.all([client.ask('/v1/rank', withId), plain.ask('/v1/rank', withId)]);
    const text = (answer: typeof a): string => answer.text.replace(/"took_ms":[\d.]+/, '');
    expect(text(a)).toBe(text(b));
  }
  const inside = await client.ask('/v1/rank', request(userIn('part', 1, 0.3)));
  expect(inside.body.experiments).toHaveLength(1);
  expect((await client.ask('/v1/score', request(userIn('part', 1, 0.3)))).body.experiments).toBeUndefined();
  expect((await impressions()).filter(({ experiments }) => experiments)).toHaveLength(1);
});

test('one experiment chooses the model and another one the score, independently', async () => {
  const { folders, control, treatment } = pair();
  const { client } = await experimenting(folders, [
    { key: 'models', unit: 'user', arms: { control: { model: control }, treatment: { model: treatment } } },
    { key: 'scores', unit: 'user', arms: { control: {}, treatment: { score: '-click' } } },
  ]);
  const seen = new Set<string>();
  for (const user of users) {
    const { body } = await client.ask('/v1/rank', request(user));
    const [model, score] = ['models', 'scores'].map((key) => armOf(key, user) as number);
    expect(body.experiments.map(({ arm }: { arm: string }) => arm)).toEqual(
      [model, score].map((arm) => ['control', 'treatment'][arm]),
    );
    expect(body.model).toBe([control, treatment][model]);
    for (const item of body.items)
      if (score === 1) expect(item.score).toBe(-item.probabilities.click);
      else expect(item.score).toBeCloseTo(item.probabilities.click * 0.3 + item.probabilities.purchase, 6);
    seen.add(`${model} ${score}`);
  }
  expect(seen.size).toBe(4);
});

test('an arm whose model fails: the control answers, and answer, log and metrics say so', async () => {
  const other = artifact({ name: 'other', without: ['hour'], seed: 5 });
  const base = artifact();
  const { client, impressions } = await experimenting(
    [base.folder, other.folder],
    [
      {
        key: 'broken',
        unit: 'user',
        scenarios: ['home'],
        arms: { control: {}, treatment: { score: 'log(0 * click)' } },
      },
      { key: 'fields', unit: 'user', scenarios: ['search'], arms: { control: {}, treatment: { model: 'other' } } },
    ],
  );
  const label = `test-model@${base.manifest.id}`;
  for (const [key, scenario, failed, over] of [
    ['broken', 'home', 'SCORE_UNDEFINED', {}],
    ['fields', 'search', 'REQUEST_INVALID', { context: { hour: 3 } }],
  ] as const) {
    const user = userIn(key, 1);
    const { status, body } = await client.ask('/v1/rank', request(user, { scenario, ...over }));
    expect([status, body.model]).toEqual([200, label]);
    expect(body.experiments).toEqual([{ key, arm: 'treatment', bucket_version: 0, failed }]);
  }
  // A mistake of the client is not one of the arm.
  const { status, body } = await client.ask('/v1/rank', request(userIn('broken', 1), { top_k: 0 }));
  expect([status, body.error.code]).toEqual([400, 'REQUEST_INVALID']);
  const { text } = await client.ask('/metrics');
  expect(text).toContain(
    'tributary_experiment_failures_total{experiment="broken",arm="treatment",code="SCORE_UNDEFINED"} 1',
  );
  expect(text).toContain('tributary_experiment_seconds_count{experiment="broken",arm="treatment"} 1');
  expect(text).toContain('tributary_experiment_coverage{experiment="fields"} 1');
  const logged = await impressions();
  expect(logged.map(({ model, experiments }) => [model, experiments?.[0].failed])).toEqual([
    [label, 'SCORE_UNDEFINED'],
    [label, 'REQUEST_INVALID'],
  ]);
});

const items = Array.from({ length: 12 }, (_, i) => ({ id: `i${i}`, item: i * 4 }));

test('interleave: the list is drafted from both rankings, and each item names its team', async () => {
  const { folders, control, treatment } = pair();
  const { client, impressions } = await experimenting(folders, [
    {
      key: 'mix',
      unit: 'user',
      mode: 'interleave',
      coverage: 0.5,
      arms: { old: { model: control }, now: { model: treatment }, shy: { score: 'click' } },
    },
  ]);
  const user = users.find((each) => armOf('mix', each, [1], 0.5) === 0) as string;
  const ask = (over: object) => client.ask('/v1/rank', request(user, { items, top_k: 7, ...over }));
  const { body } = await ask({});
  const rankings = await Promise.all(
    [control, treatment].map(async (model) => (await ask({ model, top_k: undefined })).body.items),
  );
  const byClick = [...rankings[1]].sort((a, b) => b.probabilities.click - a.probabilities.click);
  const lists: { id: string; score: number }[][] = [...rankings, byClick];
  const [event] = await impressions();
  expect(event.policy).toMatchObject({
    kind: 'interleave',
    method: 'team-draft',
    teams: { old: control, now: treatment, shy: treatment },
  });
  const seed = event.policy.kind === 'interleave' ? event.policy.seed : '';
  const names = ['old', 'now', 'shy'];
  const expected = teamDraft(
    lists.map((list) => list.map(({ id }) => id)),
    7,
    random('interleave', seed),
  );
  expect(body.items.map(({ id }: { id: string }) => id)).toEqual(expected.items);
  expect(body.items.map(({ team }: { team: string }) => team)).toEqual(expected.teams.map((team) => names[team]));
  expect(body.experiments).toEqual([{ key: 'mix', arm: 'old', bucket_version: 0 }]);
  for (const [i, { id, score, team }] of body.items.entries()) {
    const own = lists[names.indexOf(team)].find((item) => item.id === id);
    expect(score).toBe(team === 'shy' ? body.items[i].probabilities.click : own?.score);
  }
  expect(event.items.slice(0, 7).map(({ item_id, team, position }) => [item_id, team, position])).toEqual(
    body.items.map(({ id, team }: { id: string; team: string }, i: number) => [id, team, i + 1]),
  );
  expect(new Set(event.items.map(({ item_id }) => item_id)).size).toBe(12);
  expect(event.items.slice(7).every(({ team, position }) => team === undefined && position === null)).toBe(true);
});

test("interleave: what all rankings have at the top is nobody's", async () => {
  const { client, impressions } = await experimenting(
    [artifact().folder],
    [
      {
        key: 'mix',
        unit: 'user',
        mode: 'interleave',
        arms: { a: {}, b: { score: 'click' }, c: { score: 'click * 2' } },
      },
    ],
  );
  const same = [
    {
      key: 'same',
      unit: 'user',
      mode: 'interleave' as const,
      arms: { a: { score: 'click' }, b: { score: '2 * click' } },
    },
  ];
  const ask = async (over: object = {}) => (await client.ask('/v1/rank', request('u1', { items, ...over }))).body;
  const { items: mixed } = await ask();
  await client.put('/admin/experiments', { experiments: [] });
  const scores: Map<string, number[]> = new Map(
    (await ask()).items.map(({ id, score, probabilities }: Item) => [id, [score, probabilities.click]]),
  );
  const at = (id: string, k: number): number => scores.get(id)?.[k] as number;
  const [byScore, byClick] = [0, 1].map((k) => [...scores.keys()].sort((x, y) => at(y, k) - at(x, k)));
  const agreed = byScore.findIndex((id, i) => byClick[i] !== id);
  expect(mixed.map(({ team }: Item) => team !== undefined)).toEqual(byScore.map((_, i) => i >= agreed));
  await client.put('/admin/experiments', { experiments: same });
  expect((await ask()).items.every(({ team }: Item) => team === undefined)).toBe(true);
  const [, , drafted] = await impressions();
  expect(drafted.policy.kind).toBe('interleave');
  expect(drafted.items.every(({ team }) => team === undefined)).toBe(true);
});

test('interleave: an arm that fails leaves the list to the control; explained requests are not drafted', async () => {
  const { client, impressions } = await experimenting(
    [artifact().folder],
    [{ key: 'mix', unit: 'user', mode: 'interleave', arms: { a: {}, b: { score: '1 / (0 * click)' } } }],
  );
  const { body } = await client.ask('/v1/rank', request('u1', { items }));
  expect(body.experiments).toEqual([{ key: 'mix', arm: 'a', bucket_version: 0, failed: 'SCORE_UNDEFINED' }]);
  expect(body.items[0].team).toBeUndefined();
  const explained = await client.ask('/v1/rank', request('u1', { items, explain: true }));
  expect(explained.body.experiments).toBeUndefined();
  expect(explained.body.items[0].explanation).toBeDefined();
  expect((await impressions()).map(({ policy }) => policy.kind)).toEqual(['deterministic', 'deterministic']);
});

test('shadow: one answers, both score; differences are logged and counted', async () => {
  const { folders, control, treatment } = pair();
  const { client, impressions } = await experimenting(folders, [
    {
      key: 'look',
      unit: 'user',
      mode: 'shadow',
      arms: { control: { model: control }, next: { model: treatment } },
    },
  ]);
  const ask = (over: object) => client.ask('/v1/rank', request('u3', { items, top_k: 5, ...over }));
  const { body } = await ask({});
  expect([body.model, body.experiments]).toEqual([control, [{ key: 'look', arm: 'control', bucket_version: 0 }]]);
  const { body: other } = await ask({ model: treatment, top_k: undefined });
  const { text } = await client.ask('/metrics');
  expect(text).toContain('tributary_shadow_seconds_count{experiment="look",outcome="scored"} 1');
  expect(text).toContain('tributary_shadow_score_difference_count{experiment="look"} 5');
  const [event] = (await impressions()).filter(({ experiments }) => experiments !== undefined);
  expect(event.policy).toEqual({
    kind: 'shadow',
    model: treatment,
    score_hash: expect.stringMatching(/^[0-9a-f]{16}$/),
  });
  const scores = new Map(other.items.map(({ id, score }: { id: string; score: number }) => [id, score]));
  expect(event.items).toHaveLength(12);
  for (const { item_id, shadow_score } of event.items) expect(shadow_score).toBe(scores.get(item_id));
  expect(event.items.slice(0, 5).map(({ item_id, score }) => [item_id, score])).toEqual(
    body.items.map(({ id, score }: { id: string; score: number }) => [id, score]),
  );
});

test('shadow: one that fails changes nothing of the answer', async () => {
  const { client, impressions } = await experimenting(
    [artifact().folder],
    [{ key: 'look', unit: 'user', mode: 'shadow', arms: { control: {}, next: { score: 'log(0 * click)' } } }],
  );
  const { status, body } = await client.ask('/v1/rank', request('u3', { items }));
  expect([status, body.experiments]).toEqual([200, [{ key: 'look', arm: 'control', bucket_version: 0 }]]);
  expect((await client.ask('/metrics')).text).toContain(
    'tributary_experiment_failures_total{experiment="look",arm="next",code="SCORE_UNDEFINED"} 1',
  );
  const [event] = await impressions();
  expect([event.policy.kind, event.experiments?.[0].failed]).toEqual(['deterministic', 'SCORE_UNDEFINED']);
});
