/**
 * Users of a synthetic world ask a running service, as a real shop would: request, ranked items, reactions. Days pass as fast as
 * the service answers; requests and events bring their time with them. What was shown is judged by the world's own probabilities.
 */
import { error } from '../base/errors/index.ts';
import { DAY_MS, dateOf, HOUR_MS } from '../base/times.ts';
import { createWorld, type World } from '../data/synthetic/world.ts';
import type { SimulatedDay, WorthRecord } from '../documents/loop/simulation.ts';
import { type ClientOptions, createClient, type Ranked, type ServiceClient } from './client.ts';
import { type Visit, visitsOf } from './demand.ts';
import { lossesOfDay } from './lost.ts';
import { type Shop, type SimulationOptions, shopOf, startOf } from './options.ts';
import { type Reaction, reactionsOf } from './reactions.ts';
import { type Worth, worthOf } from './truth.ts';

export interface RunOptions extends SimulationOptions, ClientOptions {
  /** Send events. Without them the service is only measured, and needs no log. Default true. */
  events?: boolean;
  /** Requests at a time. Default 4. */
  connections?: number;
  /** What an earlier simulation left: it goes on with the next day. */
  progress?: Progress;
}

/** What a simulation is to go on with. */
export interface Progress {
  /** Days that are over. */
  days: number;
  /** Events whose time has not come yet. */
  held: readonly Reaction[];
}

export interface Simulation {
  readonly shop: Shop;
  /** The next day. @throws SERVICE_UNREACHABLE, SERVICE_REFUSED, SERVICE_CLOCK */
  next(): Promise<SimulatedDay>;
  progress(): Progress;
  /** Sends the events that are held back, whatever their time; returns how many. */
  flush(): Promise<number>;
}

/** Events of one body. */
const MOST_EVENTS = 1000;

export function openSimulation(options: RunOptions): Simulation {
  const { url, key, model, events = true, connections = 4, progress, ...shopOptions } = options;
  const shop = shopOf(shopOptions);
  const client = createClient({ url, key, model });
  let days = progress?.days ?? 0;
  let held = [...(progress?.held ?? [])];

  /** Sends what is due before `time`. */
  const sendUntil = async (time: number): Promise<Reaction[]> => {
    const due = held.filter((reaction) => reaction.time < time).sort((a, b) => a.time - b.time);
    held = held.filter((reaction) => reaction.time >= time);
    for (let at = 0; at < due.length; at += MOST_EVENTS) await client.send(due.slice(at, at + MOST_EVENTS));
    return due;
  };

  return {
    shop,
    progress: () => ({ days, held }),
    flush: async () => (await sendUntil(Number.POSITIVE_INFINITY)).length,
    async next() {
      const day = days + 1;
      const start = startOf(shop, day);
      const drifts = shop.drift.filter((begin) => begin <= day).length;
      const world = drifted(shop.world, drifts);
      const visits = visitsOf(shop, day);
      const isLost = lossesOfDay(client, shop);
      const shown: Shown[] = [];
      let lost = 0;
      const sent: Reaction[] = [];
      for (let hour = start; hour < start + DAY_MS; hour += HOUR_MS) {
        const own = visits.filter(({ time }) => time >= hour && time < hour + HOUR_MS);
        const answered = await inParallel(own, connections, async (visit) =>
          (await isLost(visit)) ? undefined : ask(client, shop, visit),
        );
        const lists = answered.filter((list) => list !== undefined);
        lost += own.length - lists.length;
        if (events && lists.some(({ isClocked }) => !isClocked)) throw error('SERVICE_CLOCK', { url });
        shown.push(...lists.map((list) => ({ ...list, worth: worthOf(shop, world, list.visit, list.items) })));
        if (!events) continue;
        held.push(
          ...lists.flatMap(({ visit, items }) => reactionsOf(shop, visit, answersOf(shop, world, visit, items))),
        );
        sent.push(...(await sendUntil(hour + HOUR_MS)));
      }
      days = day;
      return {
        day,
        date: dateOf(start),
        drifts,
        ...summary(shop, shown, sent),
        ...(shop.lose.length > 0 && { lost }),
        held: held.length,
      };
    },
  };
}

/** The same users and items with other tastes; each drift has its own. */
const drifted = (world: World, drifts: number): World =>
  drifts === 0 ? world : createWorld({ ...world.options, tastes: (world.options.tastes ?? 0) + drifts });

interface List {
  visit: Visit;
  model: string;
  /** From the first position on. */
  items: number[];
  isClocked: boolean;
  experiments: Ranked['experiments'];
}

interface Shown extends List {
  worth: Worth;
}

async function ask(client: ServiceClient, shop: Shop, visit: Visit): Promise<List> {
  const { id, time, user, scenario, candidates } = visit;
  const { world } = shop;
  const { userFields, itemFields } = world.things;
  const answer = await client.rank(
    {
      request_id: id,
      scenario: world.planted.scenarios[scenario],
      user: userFields(user),
      items: candidates.map((item) => ({ id: item, ...itemFields(item) })),
      top_k: shop.shown,
    },
    time,
  );
  return { ...answer, visit, items: answer.items.map(Number) };
}

const answersOf = ({ positionBias }: Shop, world: World, { id, user, scenario }: Visit, items: number[]) =>
  world.respond({ id, user, scenario, items, positionBias });

/** Answers in the order of the inputs, at most `limit` at a time. */
async function inParallel<A, B>(inputs: readonly A[], limit: number, run: (input: A) => Promise<B>): Promise<B[]> {
  const found = new Array<B>(inputs.length);
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < inputs.length) {
      const own = next++;
      found[own] = await run(inputs[own]);
    }
  };
  await Promise.all(Array.from({ length: limit }, work));
  return found;
}

function summary(
  { world }: Shop,
  shown: readonly Shown[],
  sent: readonly Reaction[],
): Pick<SimulatedDay, 'models' | 'interactions' | 'corrections' | 'all' | 'scenarios' | 'arms'> {
  const models: Record<string, number> = {};
  for (const { model } of shown) models[model] = (models[model] ?? 0) + 1;
  const corrections = sent.filter(({ kind }) => kind === 'correction').length;
  return {
    models,
    interactions: sent.length - corrections,
    corrections,
    all: meanWorth(shown.map(({ worth }) => worth)),
    scenarios: world.planted.scenarios.map((scenario, s) => ({
      scenario,
      ...meanWorth(shown.filter(({ visit }) => visit.scenario === s).map(({ worth }) => worth)),
    })),
    ...armsOf(shown),
  };
}

/** What each arm of each experiment showed; nothing where no request took part in one. */
function armsOf(shown: readonly Shown[]): Pick<SimulatedDay, 'arms'> {
  const arms = new Map<string, { experiment: string; arm: string; worths: Worth[] }>();
  for (const { experiments, worth } of shown)
    for (const { key: experiment, arm } of experiments) {
      const name = JSON.stringify([experiment, arm]);
      const known = arms.get(name) ?? { experiment, arm, worths: [] };
      known.worths.push(worth);
      arms.set(name, known);
    }
  if (arms.size === 0) return {};
  const names = [...arms.keys()].sort();
  return {
    arms: names.map((name) => {
      const { experiment, arm, worths } = arms.get(name) as { experiment: string; arm: string; worths: Worth[] };
      return { experiment, arm, ...meanWorth(worths) };
    }),
  };
}

function meanWorth(worths: readonly Worth[]): WorthRecord {
  const requests = worths.length;
  if (requests === 0) return { requests, shown: null, best: null, random: null, possible: null };
  const mean = (of: keyof Worth): number => worths.reduce((sum, worth) => sum + worth[of], 0) / requests;
  return worthRecord(requests, mean('shown'), mean('best'), mean('random'));
}

const worthRecord = (requests: number, shown: number, best: number, random: number): WorthRecord => ({
  requests,
  shown,
  best,
  random,
  possible: best > random ? (shown - random) / (best - random) : null,
});

/** The mean over days. */
export const overDays = (days: readonly SimulatedDay[]): WorthRecord => pooled(days.map(({ all }) => all));

/** The same of each arm; undefined where no request took part in an experiment. */
export function armsOverDays(days: readonly SimulatedDay[]): SimulatedDay['arms'] {
  const all = days.flatMap(({ arms = [] }) => arms);
  const isSame = (a: (typeof all)[number], b: (typeof all)[number]): boolean =>
    a.experiment === b.experiment && a.arm === b.arm;
  const first = all.filter((one, i) => all.findIndex((other) => isSame(one, other)) === i);
  if (first.length === 0) return undefined;
  return first.map((one) => ({
    experiment: one.experiment,
    arm: one.arm,
    ...pooled(all.filter((other) => isSame(one, other))),
  }));
}

function pooled(parts: readonly WorthRecord[]): WorthRecord {
  const requests = parts.reduce((sum, part) => sum + part.requests, 0);
  if (requests === 0) return { requests, shown: null, best: null, random: null, possible: null };
  const mean = (of: 'shown' | 'best' | 'random'): number =>
    parts.reduce((sum, part) => sum + part.requests * (part[of] ?? 0), 0) / requests;
  return worthRecord(requests, mean('shown'), mean('best'), mean('random'));
}
