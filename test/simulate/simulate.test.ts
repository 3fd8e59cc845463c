import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { readWorld } from '../../src/data/recipes/synthetic.ts';
import { createWorld } from '../../src/data/synthetic/world.ts';
import { assign } from '../../src/evaluate/experiment/index.ts';
import type { Impression } from '../../src/events/event.ts';
import { visitsOf } from '../../src/simulate/demand.ts';
import { shopOf } from '../../src/simulate/options.ts';
import { reactionsOf } from '../../src/simulate/reactions.ts';
import { armsOverDays, openSimulation, overDays } from '../../src/simulate/simulate.ts';
import { readState, writeState } from '../../src/simulate/state.ts';
import { worthOf } from '../../src/simulate/truth.ts';
import { hashed, temporaryFolder } from '../serve/support.ts';
import { eventsOf, openShop, smallWorld, worldArtifact } from './shop.ts';

const world = smallWorld();
const DAY = 86_400_000;
const FROM = Date.UTC(2024, 0, 31);

/** What the world expects of a list in the log. */
function expectedOf({ unit, scenario, items }: Impression, like = 1): number {
  const place = world.planted.scenarios.indexOf(scenario);
  const shown = items.filter(({ position }) => position !== null);
  return shown.reduce((sum, { item_id }, k) => {
    const [p, q] = world.probabilities({ user: Number(unit), item: Number(item_id), scenario: place });
    return sum + (p + like * q) / (1 + k);
  }, 0);
}

describe('a day over HTTP', () => {
  test('the log has each request at its simulated time, and the reward is that of the lists in it', async () => {
    const shop = await openShop(world);
    const options = { world, url: shop.url, requestsADay: 90, candidates: 8, shown: 3, refunds: 0.5 };
    const simulation = openSimulation(options);
    const day = await simulation.next();
    const { held } = simulation.progress();
    const late = await simulation.flush();
    await shop.client.service.close();
    const { impressions, interactions, corrections } = await eventsOf(shop.log);
    expect(day).toMatchObject({ day: 1, date: '2024-01-31', drifts: 0, models: { [shop.label]: 90 } });
    expect(impressions).toHaveLength(90);
    expect(new Set(impressions.map(({ request_id }) => request_id)).size).toBe(90);
    const items = (i: (typeof impressions)[number]) => i.items.filter(({ position }) => position !== null);
    for (const impression of impressions) {
      expect(impression.time).toBeGreaterThanOrEqual(FROM);
      expect(impression.time).toBeLessThan(FROM + DAY);
      expect([impression.candidates, items(impression).length]).toEqual([8, 3]);
    }
    // Computed from the log alone.
    const expected = impressions.map((impression) => expectedOf(impression, 0.5));
    expect(day.all.shown).toBeCloseTo(expected.reduce((a, b) => a + b) / 90, 10);
    const { shown, best, random } = day.all as Record<'shown' | 'best' | 'random', number>;
    expect(best).toBeGreaterThan(Math.max(shown, random));
    expect(day.scenarios.reduce((sum, { requests }) => sum + requests, 0)).toBe(90);
    // Events come when they are due, and each once.
    expect([day.interactions + day.corrections, day.held]).toEqual([
      interactions.length + corrections.length - late,
      held.length,
    ]);
    expect(held.every(({ time }) => time >= FROM + DAY)).toBe(true);
    expect(corrections.length).toBeGreaterThan(5);
    const byId = new Map(impressions.map((impression) => [impression.request_id, impression]));
    for (const { request_id, item_id, time } of [...interactions, ...corrections]) {
      const impression = byId.get(request_id);
      expect(impression?.items.find((item) => item.item_id === item_id)?.position).not.toBeNull();
      expect(time).toBeGreaterThan(impression?.time as number);
    }
    expect(overDays([day])).toEqual(day.all);
  });

  test('the same seed sees the same day again; another one another day; drift changes what is liked alone', async () => {
    const shop = await openShop(world);
    const day = (over: object) => openSimulation({ world, url: shop.url, requestsADay: 40, ...over }).next();
    const first = await day({});
    expect(await day({})).toEqual(first);
    expect((await day({ seed: 2 })).all).not.toEqual(first.all);
    const turned = await day({ drift: [1] });
    expect(turned).toMatchObject({ drifts: 1, models: first.models });
    expect(turned.all.shown).not.toBe(first.all.shown);
    const other = createWorld({ ...world.options, tastes: 1 });
    expect(other.row(7)).toMatchObject({ user: world.row(7).user, item: world.row(7).item });
    expect(other.fields(world.row(7))).toEqual(world.fields(world.row(7)));
    expect(other.planted.bias).toEqual(world.planted.bias);
    expect(other.probabilities(world.row(7))).not.toEqual(world.probabilities(world.row(7)));
    expect(other.planted).not.toEqual(createWorld({ ...world.options, tastes: 2 }).planted);
  });

  test('days in one command or in two, by a file: the same events', async () => {
    const made = worldArtifact(world);
    const options = { world, requestsADay: 30, delay: DAY / 2, refunds: 0.3 };
    const ids = async (run: (url: string) => Promise<unknown>) => {
      const shop = await openShop(world, {}, made);
      await run(shop.url);
      await shop.client.service.close();
      const { interactions, corrections } = await eventsOf(shop.log);
      return [...interactions, ...corrections].map(({ event_id, time }) => `${event_id} ${time}`);
    };
    const together = await ids(async (url) => {
      const simulation = openSimulation({ ...options, url });
      await simulation.next();
      return simulation.next();
    });
    const file = join(temporaryFolder(), 'state.json');
    const apart = await ids(async (url) => {
      for (const day of [1, 2]) {
        const { shop } = openSimulation({ ...options, url });
        const simulation = openSimulation({ ...options, url, progress: readState(file, shop) });
        expect(await simulation.next()).toMatchObject({ day });
        writeState(file, shop, simulation.progress());
      }
    });
    expect(apart).toEqual(together);
    expect(() => readState(file, shopOf({ world, seed: 2 }))).toThrow(
      expect.objectContaining({ code: 'SIMULATION_STATE' }),
    );
    writeFileSync(file, '{}');
    expect(() => readState(file, shopOf({ world }))).toThrow('expected a file of the schema simulation-state/1');
    expect(() => writeState(file, shopOf({ world }), { days: 1, held: [] })).toThrow('exists and is not');
  });

  test('of an arm with a fault some users never ask; each arm has its reward, that of its lists in the log', async () => {
    const experiment = { key: 'flows', unit: 'user_id', arms: { control: {}, treatment: { score: '-click' } } };
    const shop = await openShop(world, { experiments: [{ ...experiment, coverage: 0.8 }] });
    const options = { world, url: shop.url, requestsADay: 200, candidates: 6, shown: 3 };
    const lose = [{ experiment: 'flows', arm: 'treatment', share: 0.4 }];
    const whole = await openSimulation({ ...options, seed: 2 }).next();
    const simulation = openSimulation({ ...options, lose });
    const days = [await simulation.next(), await simulation.next()];
    await shop.client.service.close();
    const { impressions } = await eventsOf(shop.log);
    expect(whole.lost).toBeUndefined();
    const lost = days.reduce((sum, day) => sum + (day.lost ?? 0), 0);
    expect(impressions).toHaveLength(600 - lost);
    expect(lost).toBeGreaterThan(20);
    // Lost users are of the treatment, and lost for good: nobody else is missing.
    const asked = (seed: number) =>
      new Set(impressions.filter(({ request_id }) => request_id.startsWith(`${seed}-`)).map(({ unit }) => unit));
    const wanted = new Set([1, 2].flatMap((day) => visitsOf(shopOf(options), day).map(({ user }) => String(user))));
    const missing = [...wanted].filter((user) => !asked(1).has(user));
    const arms = missing.map(
      (user) =>
        ['control', 'treatment'][
          assign({ key: 'flows', hashVersion: 2, weights: [0.5, 0.5], coverage: 0.8 }, user)?.arm as number
        ],
    );
    expect(new Set(arms)).toEqual(new Set(['treatment']));
    for (const arm of ['control', 'treatment']) {
      const own = impressions.filter(
        ({ experiments, request_id }) => experiments?.[0].arm === arm && request_id.startsWith('1-'),
      );
      const found = armsOverDays(days)?.find((one) => one.arm === arm);
      expect(found).toMatchObject({ experiment: 'flows', requests: own.length });
      const total = own.reduce((sum, impression) => sum + expectedOf(impression), 0);
      expect(found?.shown).toBeCloseTo(total / own.length, 10);
    }
    expect(armsOverDays([{ ...whole, arms: undefined }])).toBeUndefined();
    await expect(openSimulation({ ...options, url: (await openShop(world)).url, lose }).next()).rejects.toMatchObject({
      message: expect.stringContaining('FLAG_NOT_FOUND: there is no experiment "flows"'),
    });
  });

  test('services that cannot serve a simulation', async () => {
    const next = (options: { url: string; model?: string; key?: string }, events: boolean) =>
      openSimulation({ world, requestsADay: 5, events, ...options }).next();
    const system = await openShop(world, { events: { clock: 'system' } });
    await expect(next({ url: system.url }, true)).rejects.toMatchObject({ code: 'SERVICE_CLOCK' });
    expect(await next({ url: system.url }, false)).toMatchObject({ interactions: 0, held: 0, all: { requests: 5 } });
    await expect(next({ url: system.url, model: 'none' }, true)).rejects.toMatchObject({
      code: 'SERVICE_REFUSED',
      message: expect.stringMatching('MODEL_NOT_SERVED: no model "none" is served here'),
    });
    const locked = await openShop(world, { keys: [hashed('shop', 'tk_shop')] });
    await expect(next({ url: locked.url }, true)).rejects.toMatchObject({
      code: 'SERVICE_REFUSED',
      message: expect.stringMatching('KEY_INVALID: no key was given'),
    });
    expect(await next({ url: locked.url, key: 'tk_shop' }, true)).toMatchObject({ all: { requests: 5 } });
    await system.client.service.close();
    await expect(next({ url: system.url }, true)).rejects.toMatchObject({
      code: 'SERVICE_UNREACHABLE',
      message: expect.stringMatching(/no service answers at http:\/\/127.0.0.1:\d+: .*ECONNREFUSED/),
    });
  });
});

test('users do on average what the world expects: looks, labels, and what is taken back', () => {
  const shop = shopOf({ world, requestsADay: 2000, refunds: 0.3, reward: { click: 1, like: 2 } });
  const differences = visitsOf(shop, 1).map((visit) => {
    const { id, user, scenario } = visit;
    const items = visit.candidates.slice(0, 5);
    const answers = world.respond({ id, user, scenario, items, positionBias: 1 });
    const found = reactionsOf(shop, visit, answers).reduce(
      (sum, { kind, type }) => sum + (kind === 'interaction' ? 1 : -1) * (type === 'click' ? 1 : 2),
      0,
    );
    return found - worthOf(shop, world, visit, items).shown;
  });
  const mean = differences.reduce((a, b) => a + b) / differences.length;
  const se = Math.sqrt(differences.reduce((sum, d) => sum + (d - mean) ** 2, 0)) / differences.length;
  expect(Math.abs(mean)).toBeLessThan(4 * se);
  expect(se).toBeLessThan(0.05);
});

test('requests: different candidates, spread over the day, in its order', () => {
  const shop = shopOf({ world, requestsADay: 500, candidates: 100 });
  const visits = visitsOf(shop, 2);
  expect(visits.every(({ candidates }) => new Set(candidates).size === 40)).toBe(true); // all that there are
  const times = visits.map(({ time }) => (time - FROM - DAY) / DAY);
  expect(times).toEqual([...times].sort((a, b) => a - b));
  expect([Math.min(...times) > 0, Math.max(...times) < 1, times[250] > 0.4, times[250] < 0.6]).not.toContain(false);
  expect(new Set(visits.map(({ id }) => id)).size).toBe(500);
});

test('worlds that cannot be read', () => {
  const folder = temporaryFolder();
  const file = join(folder, 'synthetic-truth.json');
  expect(() => readWorld(folder)).toThrow('the planted truth of a synthetic world');
  for (const [text, problem] of [
    ['{', 'it is not JSON with an id'],
    ['{"id":"unfinished 1"}', 'its making was not finished'],
  ]) {
    writeFileSync(file, text);
    expect(() => readWorld(file)).toThrow(
      expect.objectContaining({ code: 'WORLD_UNREADABLE', message: expect.stringMatching(problem) }),
    );
  }
  mkdirSync(join(folder, 'other'));
  writeFileSync(file, JSON.stringify({ id: 'x', options: world.options }));
  expect(readWorld(folder).planted).toEqual(world.planted);
});
