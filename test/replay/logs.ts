/** Logs of a synthetic world as a service with exploration writes them, and policies to judge by them. Nothing is served. */
import { join } from 'node:path';
import { type Random, random } from '../../src/base/random.ts';
import { streams, uniform } from '../../src/data/synthetic/hash.ts';
import { createWorld, type World } from '../../src/data/synthetic/world.ts';
import { drawOrder, orderMarginals, orderPropensity } from '../../src/evaluate/replay/index.ts';
import { EVENT_SCHEMA, type Impression } from '../../src/events/event.ts';
import { lineOf, type WrittenEvent } from '../../src/events/line.ts';
import type { EventLog } from '../../src/events/log.ts';
import { openSegments, segmentLog } from '../../src/events/segments/folder.ts';
import type { JudgedPolicy } from '../../src/replay/policy.ts';
import { temporaryFolder } from '../serve/support.ts';

export const world: World = createWorld({ seed: 11, users: 100_000, items: 300 });

export interface Asked {
  user: number;
  scenario: number;
  candidates: number[];
}

/** A score that knows the truth up to noise: the same for the same user and item. */
export type Score = (asked: Asked, item: number) => number;

/** @param knowledge 1: the true logit of a click; 0: noise alone */
export function scoreBy(knowledge: number, key: string): Score {
  const { noise } = streams(0, key, ['noise']);
  const { items } = world.options;
  return ({ user, scenario }, item) => {
    const [click] = world.probabilities({ user, item, scenario });
    return knowledge * logit(click) + (1 - knowledge) * 0.55 * logit(uniform(noise, user * items + item));
  };
}

const logit = (p: number): number => Math.log(p / (1 - p));

export function asked(generator: Random, user: number, count: number): Asked {
  const candidates = new Set<number>();
  while (candidates.size < count) candidates.add(generator.below(world.options.items));
  return { user, scenario: generator.below(world.options.scenarios), candidates: [...candidates] };
}

export interface LogShape {
  users: number;
  requestsAUser: number;
  candidates: number;
  shown: number;
  temperature: number;
  score: Score;
}

/** The events of a log: impressions in drawn orders, and clicks by the truth. */
export function eventsOf(name: string, log: number, shape: LogShape): WrittenEvent[] {
  const { users, requestsAUser, candidates, shown, temperature, score } = shape;
  const generator = random(name, log);
  const events: WrittenEvent[] = [];
  for (let u = 0; u < users; u++) {
    const user = generator.below(world.options.users);
    for (let r = 0; r < requestsAUser; r++) {
      const request = asked(generator, user, candidates);
      const id = `${name} ${log} ${u} ${r}`;
      events.push(impressionOf(id, request, shown, temperature, score));
      const impression = events[events.length - 1] as Impression;
      const items = impression.items.filter(({ position }) => position !== null).map(({ item_id }) => Number(item_id));
      for (const { item, labels } of world.respond({ id, user, scenario: request.scenario, items, positionBias: 1 }))
        if (labels[0] === 1) events.push(clickOf(impression, String(item)));
    }
  }
  return events;
}

export const clickOf = ({ request_id, time }: Impression, item_id: string): WrittenEvent => ({
  schema: EVENT_SCHEMA,
  event_id: `${request_id}/${item_id}`,
  kind: 'interaction',
  time: time + 1000,
  request_id,
  item_id,
  type: 'click',
});

export function impressionOf(id: string, request: Asked, shown: number, temperature: number, score: Score): Impression {
  const scores = request.candidates.map((item) => score(request, item));
  const order = drawOrder(scores, shown, { temperature, seed: id });
  const { logCascade, logJoint } = orderPropensity(scores, order, temperature);
  const marginals = orderMarginals(scores, shown, temperature);
  const rest = scores.map((_, i) => i).filter((i) => !order.includes(i));
  return {
    schema: EVENT_SCHEMA,
    event_id: `impression ${id}`,
    kind: 'impression',
    time: 1_700_000_000_000,
    request_id: id,
    scenario: world.planted.scenarios[request.scenario],
    unit: String(request.user),
    model: 'logging@000000000000',
    score_hash: '0'.repeat(16),
    policy: { kind: 'plackett-luce', temperature, seed: id, log_joint: logJoint },
    candidates: scores.length,
    items: [...order, ...rest].map((i, k) => ({
      item_id: String(request.candidates[i]),
      position: k < shown ? k + 1 : null,
      score: scores[i],
      probabilities: { click: 1 / (1 + Math.exp(-scores[i])) },
      values: { item_id: request.candidates[i] },
      ...(k < shown && { propensity: { log_prefix: logCascade[k], marginal: Math.min(marginals[i][k], 1) } }),
    })),
    values: { user_id: request.user },
  };
}

/** Gone after the test. */
export async function written(events: readonly WrittenEvent[]): Promise<EventLog> {
  const folder = join(temporaryFolder(), 'events');
  const log = openSegments(folder, { sync: 'never' });
  await log.append(events.map(lineOf));
  await log.close();
  return segmentLog(folder);
}

/** A policy by a score of its own; it expects of each item what the score says. */
export const policyOf = (score: Score, over: Partial<JudgedPolicy> = {}): JudgedPolicy => ({
  label: 'judged@111111111111',
  scenarios: world.planted.scenarios,
  tasks: ['click'],
  fields: ['user_id', 'item_id'],
  async score({ items, values, scenario }) {
    const request = {
      user: Number(values?.user_id),
      scenario: world.planted.scenarios.indexOf(scenario),
      candidates: [],
    };
    return items.map(({ item_id }) => {
      const own = score(request, Number(item_id));
      return { score: own, probabilities: { click: 1 / (1 + Math.exp(-own)) } };
    });
  },
  close: async () => {},
  ...over,
});
