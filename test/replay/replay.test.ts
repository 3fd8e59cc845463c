import { join } from 'node:path';
import { expect, test } from 'vitest';
import { random } from '../../src/base/random.ts';
import { orderPropensity } from '../../src/evaluate/replay/index.ts';
import type { Impression } from '../../src/events/event.ts';
import type { WrittenEvent } from '../../src/events/line.ts';
import { segmentLog } from '../../src/events/segments/folder.ts';
import { checkWeights, estimatorsOf } from '../../src/replay/estimates.ts';
import { type List, listOf } from '../../src/replay/lists.ts';
import { readRequests } from '../../src/replay/log.ts';
import { openPolicy } from '../../src/replay/policy.ts';
import { positionBias } from '../../src/replay/position-bias.ts';
import { replayLog } from '../../src/replay/replay.ts';
import { replayText } from '../../src/report/loop/replay.ts';
import { openSimulation } from '../../src/simulate/simulate.ts';
import { orders } from '../evaluate/replay/orders.ts';
import { artifact, serving, temporaryFolder } from '../serve/support.ts';
import { openShop, smallWorld, worldArtifact } from '../simulate/shop.ts';
import { clickOf, eventsOf, impressionOf, type LogShape, policyOf, scoreBy, world, written } from './logs.ts';

const logging = scoreBy(0.3, 'logging');
const judged = scoreBy(0.6, 'judged');
const SHAPE: LogShape = { users: 120, requestsAUser: 2, candidates: 5, shown: 2, temperature: 1, score: logging };

test.each([0, 0.7])(
  'over all orders of the logging policy estimates are right, judged temperature %d',
  (temperature) => {
    const request = { user: 3, scenario: 0, candidates: [5, 9, 17, 40] };
    const base = impressionOf('r', request, 2, 1, logging);
    const scores = new Map(base.items.map(({ item_id, score }) => [item_id, score]));
    const ids = [...scores.keys()].sort();
    const own = new Map(ids.map((id) => [id, judged(request, Number(id))]));
    /** A reader from the top down, who tires of items of even ids. */
    const reward = (order: readonly string[], k: number): number =>
      (0.1 + Number(order[k]) / 50) * (k > 0 && Number(order[k - 1]) % 2 === 0 ? 0.5 : 1);
    const judgedChance = (order: readonly string[]): number => {
      const values = ids.map((id) => own.get(id) as number);
      const places = order.map((id) => ids.indexOf(id));
      if (temperature > 0) return orderPropensity(values, places, temperature).joint;
      const best = [...ids].sort((a, b) => (own.get(b) as number) - (own.get(a) as number));
      return Number(order.every((id, k) => best[k] === id));
    };
    const all = orders(4, 2).map((order) => order.map((i) => ids[i]));
    const chances = all.map((order) =>
      orderPropensity(
        ids.map((id) => scores.get(id) as number),
        order.map((id) => ids.indexOf(id)),
      ),
    );
    /** Each order as it would be logged. */
    const lists = all.map((order, n): List => {
      const items = [...order, ...ids.filter((id) => !order.includes(id))].map((item_id, k) => ({
        item_id,
        position: k < 2 ? k + 1 : null,
        score: scores.get(item_id) as number,
        probabilities: {},
        ...(k < 2 && {
          propensity: {
            log_prefix: chances[n].logCascade[k],
            marginal: all.reduce((sum, other, m) => sum + (other[k] === item_id ? chances[m].joint : 0), 0),
          },
        }),
      }));
      const rewards = order.map((_, k) => reward(order, k));
      const scored = items.map(({ item_id }) => ({ score: own.get(item_id) as number, probabilities: {} }));
      return listOf(
        { impression: { ...base, unit: String(n % 2), items }, rewards },
        scored,
        temperature,
        ({ score }) => score,
      );
    });
    for (const { drift } of lists) expect(drift).toBeLessThan(1e-9);
    const truth = all.reduce((sum, order) => sum + judgedChance(order) * (reward(order, 0) + reward(order, 1)), 0);
    const expected = (name: string): number => {
      const { estimator } = estimatorsOf(lists).find((each) => each.name === name) as ReturnType<
        typeof estimatorsOf
      >[number];
      return chances.reduce((sum, { joint }, n) => sum + joint * estimator.columns[0][n], 0);
    };
    expect(expected('rips')).toBeCloseTo(truth, 9);
    // Factors of positions are fitted to the lists of the other fold: any model is right on average, if it is the same in all lists.
    const sameModel = lists.map((list) => ({ ...list, unit: 'one' }));
    const cascade = estimatorsOf(sameModel).find(({ name }) => name === 'cascade-dr');
    expect(chances.reduce((sum, { joint }, n) => sum + joint * (cascade?.estimator.columns[0][n] ?? 0), 0)).toBeCloseTo(
      truth,
      9,
    );
    // Weights of item and position have the mean 1 at each position.
    for (const k of [0, 1])
      expect(
        chances.reduce((sum, { joint }, n) => {
          const [from, to] = lists[n].marginal as List['prefix'];
          return sum + (joint * to[k]) / from[k];
        }, 0),
      ).toBeCloseTo(1, 9);
    expect(checkWeights(lists).map(({ weights, support }) => [weights, support])).toEqual([
      ['list', expect.any(Number)],
      ['position', expect.any(Number)],
    ]);
  },
);

test('a model of a service, judged by the log of that service', async () => {
  const small = smallWorld();
  const made = worldArtifact(small);
  const shop = await openShop(small, { exploration: { share: 0.8, temperature: 1 } }, made);
  const simulation = openSimulation({ world: small, url: shop.url, requestsADay: 260, candidates: 3, shown: 2 });
  await simulation.next();
  await simulation.flush();
  await shop.client.service.close();
  const policy = await openPolicy(made.folder);
  const own = await replayLog(segmentLog(shop.log), policy, { reward: { click: 1 }, temperature: 1, resamples: 100 });
  // The same random policy: every weight is 1, and the estimate is what was seen.
  expect(own).toMatchObject({
    policy: shop.label,
    requests: { impressions: 260, incomplete: 0, open: 0, withoutUnit: 0 },
    models: { [shop.label]: 260 },
    recomputed: { requests: own.requests.explored, largest: 0 },
    refusals: [],
    orphans: 0,
  });
  expect(own.requests.explored + own.requests.deterministic).toBe(260);
  const { explored } = await readRequests(segmentLog(shop.log), { reward: { click: 1 } });
  const mean = explored.reduce((sum, { rewards }) => sum + rewards[0] + rewards[1], 0) / explored.length;
  for (const { weights, meanWeight, largestWeight } of own.diagnostics)
    expect([weights, meanWeight, largestWeight]).toEqual([weights, expect.closeTo(1, 6), expect.closeTo(1, 6)]);
  for (const { name, estimate } of own.estimates) if (name !== 'cascade-dr') expect(estimate).toBeCloseTo(mean, 6);
  expect(own.fields.map(({ given }) => given)).toEqual(own.fields.map(() => 1));
  expect(replayText(own)).toMatch(/^test-model@\w+ would bring \d\.\d+ click a request, what served brings/);
  // By falling score it is what served the other requests.
  const { estimates, served } = await replayLog(segmentLog(shop.log), policy, { reward: { click: 1 }, resamples: 100 });
  const deterministic = estimates.find(({ name }) => name === 'sn-iips');
  expect(Math.abs((deterministic?.estimate ?? 0) - (served?.estimate ?? 9))).toBeLessThan(
    4 * (deterministic?.difference.se ?? 0),
  );
  await policy.close();
  const blind = await openPolicy(worldArtifact(small, 2).folder);
  expect(
    (await replayLog(segmentLog(shop.log), blind, { reward: { like: 1 }, resamples: 50 })).recomputed.requests,
  ).toBe(0);
  await blind.close();
});

test('what counts: each type once an item, within the window, unless taken back', async () => {
  const request = { user: 3, scenario: 0, candidates: [5, 9, 17, 40] };
  const impression = impressionOf('r', request, 2, 1, logging);
  const [first, second] = impression.items.map(({ item_id }) => item_id);
  const on = (event_id: string, item_id: string, over: object): WrittenEvent =>
    ({ ...clickOf(impression, item_id), event_id, ...over }) as WrittenEvent;
  const later = impression.time + 100_000;
  const folder = await written([
    on('a', first, {}),
    on('a', first, {}), // sent twice
    on('b', first, {}), // again
    on('c', second, {}),
    on('d', second, { kind: 'correction', time: later }),
    on('e', first, { type: 'buy', time: later }),
    on('f', first, { type: 'other' }),
    on('g', first, { request_id: 'gone' }),
    impression,
    { ...impression, event_id: 'again' },
    { ...impressionOf('young', request, 2, 1, logging), time: later + 50_000 },
    { ...impressionOf('plain', request, 2, 1, logging), policy: { kind: 'deterministic' }, unit: null },
    {
      ...impressionOf('mixed', request, 2, 1, logging),
      policy: { kind: 'interleave', method: 'x', seed: '1', teams: {} },
    },
  ]);
  const reward = { click: 1, buy: 10 };
  const all = await readRequests(folder, { reward });
  expect(all.explored.map(({ rewards }) => rewards)).toEqual([
    [11, 0],
    [0, 0],
  ]);
  expect(all.served).toEqual([{ unit: 'request plain', reward: 0 }]);
  expect(all.counts).toEqual({
    impressions: 5,
    duplicates: 2,
    interleaved: 1,
    open: 0,
    orphans: 1,
    damaged: 0,
    withoutUnit: 1,
  });
  const windowed = await readRequests(folder, { reward, window: 60_000 });
  expect(windowed.explored.map(({ rewards }) => rewards)).toEqual([[1, 0]]);
  expect(windowed.counts.open).toBe(1);
});

/** Why nothing is estimated from a log that was changed. */
async function codes(change: (impression: Impression) => Impression, over: Parameters<typeof policyOf>[1] = {}) {
  const events = eventsOf('changed', 0, SHAPE).map((event) => (event.kind === 'impression' ? change(event) : event));
  const document = await replayLog(await written(events), policyOf(judged, over), {
    reward: { click: 1 },
    temperature: 1,
    resamples: 20,
  });
  expect(document.estimates.length > 0).toBe(document.refusals.length === 0);
  expect(replayText(document).startsWith('The log cannot say what ')).toBe(document.refusals.length > 0);
  return document.refusals.map(({ code }) => code);
}

test('a log that can tell is not refused; others are, with the reason', async () => {
  const policies = { high: { ...SHAPE, temperature: 0.02, score: scoreBy(1, 'sure') } };
  expect(await codes((i) => i)).toEqual([]);
  expect(await codes((i) => ({ ...i, policy: { kind: 'deterministic' } }))).toEqual(['deterministic']);
  expect(await codes((i) => ({ ...i, items: i.items.slice(0, 3) }))).toEqual(['candidates']);
  expect(await codes((i) => i, { scenarios: ['elsewhere'] })).toEqual(['scenarios']);
  expect(await codes(({ values, ...i }) => i)).toEqual(['fields']);
  expect(await codes((i) => ({ ...i, items: i.items.map((item) => ({ ...item, score: item.score * 2 })) }))).toEqual([
    'propensities',
  ]);
  expect(await codes((i) => i, { label: 'logging@000000000000' })).toEqual(['recomputed']);
  expect(await codes((i) => ({ ...i, unit: null }))).toEqual([]);
  // Nearly always the same order: another one has next to no chance, and what is judged wants another one.
  const events = eventsOf('sure', 0, policies.high);
  const folder = await written(events);
  const found = await replayLog(folder, policyOf(scoreBy(0, 'other')), { reward: { click: 1 }, resamples: 20 });
  expect(found.refusals.map(({ code }) => code)).toEqual(expect.arrayContaining(['support', 'effective-rows']));
  // A seed that repeats the draws with another score: the propensities of the log are those of a policy that did not serve.
  const generator = random('wrong');
  const wrong = await codes((i) => ({
    ...i,
    items: [...i.items].map((item) => ({ ...item, score: item.score + generator.uniform() })),
  }));
  expect(wrong).toEqual(['propensities']);
  await expect(
    replayLog(segmentLog(temporaryFolder()), policyOf(judged), { reward: { click: 1 } }),
  ).rejects.toMatchObject({
    code: 'EVENT_LOG_EMPTY',
  });
});

test('position bias: by random orders, by rankers in turn, by a click model, or not at all', async () => {
  const of = async (events: readonly WrittenEvent[], type?: string) => positionBias(await written(events), { type });
  const events = eventsOf('bias', 0, { ...SHAPE, users: 400, shown: 3 });
  const { scenarios, type } = await of(events);
  expect(type).toBe('click');
  for (const { method, positions } of scenarios) {
    expect(method).toBe('random-orders');
    for (const [k, place] of positions.entries()) {
      const { relative, low, high } = place as Record<'relative' | 'low' | 'high', number>;
      expect([low <= relative && relative <= high, Math.abs(Math.log(relative * (k + 1)))]).toEqual([
        true,
        expect.closeTo(0, -0.3),
      ]);
    }
  }
  const plain = (model: (id: string) => string) =>
    events.map((event) =>
      event.kind === 'impression'
        ? { ...event, policy: { kind: 'deterministic' as const }, model: model(event.request_id) }
        : event,
    );
  const methods = ({ scenarios: found }: Awaited<ReturnType<typeof of>>) => [
    ...new Set(found.map(({ method }) => method)),
  ];
  expect(methods(await of(plain(() => 'a@000000000000')))).toEqual(['em']);
  expect(methods(await of(plain((id) => `${id.endsWith('0') ? 'a' : 'b'}@000000000000`)))).toEqual(['rankers']);
  // Every item has one place: nothing compares two places.
  const apart = plain(() => 'a@000000000000').map((event) =>
    event.kind === 'impression'
      ? { ...event, items: event.items.map((item, k) => ({ ...item, item_id: `place ${k}` })) }
      : { ...event, item_id: 'place 0' },
  );
  const { scenarios: lost } = await of(apart as WrittenEvent[]);
  expect(lost.map(({ positions }) => positions.map(({ relative }) => relative))).toEqual(
    lost.map(() => [1, null, null]),
  );
  await expect(of(events, 'buy')).rejects.toMatchObject({
    code: 'LOG_TYPE_UNKNOWN',
    message: expect.stringMatching('no interactions of the type "buy"'),
  });
  await expect(of(events.filter(({ kind }) => kind === 'impression'))).rejects.toThrow('has no interactions');
  expect(world.planted.scenarios).toContain(scenarios[0].scenario);
});

test('a model with a field called id: asked again, it gives the probabilities of the log', async () => {
  const field = (name: string) => ({
    config: { name, kind: 'categorical' as const },
    tokens: ['0', '1', '2', '3', '4'],
  });
  const data = { scenarios: ['home', 'search'], tasks: ['click', 'buy'], fields: ['id', 'city'].map(field) };
  const made = artifact({ data, score: { default: 'click', scenarios: {} } });
  const log = join(temporaryFolder(), 'events');
  const client = await serving([made.folder], {
    events: { folder: log, clock: 'requests' },
    exploration: { share: 1, temperature: 1 },
  });
  for (let n = 0; n < 12; n++) {
    const items = [0, 1, 2].map((k) => ({ id: `item ${k}`, city: k, fields: { id: (k + n) % 5 } }));
    const { status, text } = await client.ask('/v1/rank', { scenario: 'home', items });
    expect(status, text).toBe(200);
  }
  await client.service.close();
  const policy = await openPolicy(made.folder);
  const found = await replayLog(segmentLog(log), policy, { reward: { click: 1 }, resamples: 10 });
  expect(found).toMatchObject({
    recomputed: { requests: 12, largest: 0 },
    fields: [{ given: 1 }, { given: 1 }],
  });
  await policy.close();
});
