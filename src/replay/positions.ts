/** What stood where, and was clicked: counts of a log by scenario. Clicks are read first, so only they are kept. */
import { error } from '../base/errors/index.ts';
import { range } from '../base/numbers.ts';
import { orderMarginals, type PositionCount } from '../evaluate/replay/index.ts';
import type { Impression } from '../events/event.ts';
import { createIdSet } from '../events/ids.ts';
import type { EventLog } from '../events/log.ts';
import { eachEvent } from './log.ts';

/** An explored request whose chances by position are known. */
export interface RandomList {
  unit: string;
  /** By position: 1 where the item was clicked. */
  clicks: number[];
  /**
   * By position k: weights that bring the same items to the first position and to k, of the item at k and of the one at the first. With
   * m the chances of an item at these two, an item at k counts m1 / (m1 + mk), one at the first mk / (m1 + mk): both have the mean
   * sum of m1 mk / (m1 + mk) over the items, and no weight is above 1.
   */
  weights: { here: number; first: number }[];
}

export interface ScenarioCounts {
  requests: number;
  random: RandomList[];
  /** Of all requests. */
  counts: PositionCount[];
  /** By `name@id`: requests. */
  models: Map<string, number>;
}

export interface PositionLog {
  type: string;
  scenarios: Map<string, ScenarioCounts>;
  duplicates: number;
  damaged: number;
}

/**
 * @param asked type of interaction; default: the most frequent one
 * @throws LOG_TYPE_UNKNOWN, EVENT_LOG_EMPTY, and what readEvents throws
 */
export async function readPositions(log: EventLog, asked?: string): Promise<PositionLog> {
  const { type, clicked } = await readClicks(log, asked);
  const scenarios = new Map<string, Collected>();
  const seen = createIdSet();
  let duplicates = 0;
  const damaged = await eachEvent(log, (event) => {
    if (event.kind !== 'impression' || event.policy.kind === 'interleave') return;
    if (!seen.add(event.request_id)) duplicates++;
    else add(scenarios, event, clicked.get(event.request_id));
  });
  return {
    type,
    scenarios: new Map([...scenarios].map(([name, found]) => [name, countsOf(found)])),
    duplicates,
    damaged,
  };
}

/** By request: its clicked items. */
type Clicked = Map<string, Set<string>>;

async function readClicks(log: EventLog, asked?: string): Promise<{ type: string; clicked: Clicked }> {
  const byType = new Map<string, Clicked>();
  const back: Clicked = new Map();
  const put = (to: Clicked, request: string, text: string): void => {
    const items = to.get(request);
    if (items === undefined) to.set(request, new Set([text]));
    else items.add(text);
  };
  await eachEvent(log, (event) => {
    if (event.kind === 'correction') put(back, event.request_id, `${event.type}\n${event.item_id}`);
    if (event.kind !== 'interaction' || (asked !== undefined && event.type !== asked)) return;
    const own = byType.get(event.type) ?? new Map();
    byType.set(event.type, own);
    put(own, event.request_id, event.item_id);
  });
  const type = asked ?? [...byType].sort(([, a], [, b]) => b.size - a.size)[0]?.[0];
  const clicked = byType.get(type);
  if (clicked === undefined) throw error('LOG_TYPE_UNKNOWN', { log: log.name, type: asked });
  for (const [request, items] of clicked)
    for (const item of items) if (back.get(request)?.has(`${type}\n${item}`)) items.delete(item);
  return { type, clicked };
}

/** Beyond, chances of positions take too long: the work doubles with each candidate. */
const MARGINAL_CANDIDATES = 12;

interface Collected extends Omit<ScenarioCounts, 'counts'> {
  /** By item, then position. */
  items: Map<string, { impressions: number; clicks: number }[]>;
}

function add(
  scenarios: Map<string, Collected>,
  impression: Impression,
  clicked: ReadonlySet<string> = new Set(),
): void {
  const { scenario, model, items, policy, candidates, unit, request_id } = impression;
  const found: Collected = scenarios.get(scenario) ?? { requests: 0, random: [], models: new Map(), items: new Map() };
  scenarios.set(scenario, found);
  found.requests++;
  found.models.set(model, (found.models.get(model) ?? 0) + 1);
  const shown = items.filter(({ position }) => position !== null);
  const clicks = shown.map(({ item_id }) => Number(clicked.has(item_id)));
  shown.forEach(({ item_id }, k) => {
    const places = found.items.get(item_id) ?? [];
    found.items.set(item_id, places);
    places[k] ??= { impressions: 0, clicks: 0 };
    places[k].impressions++;
    places[k].clicks += clicks[k];
  });
  if (policy.kind !== 'plackett-luce' || candidates > MARGINAL_CANDIDATES || items.length < candidates) return;
  const scores = items.map(({ score }) => score);
  const chances = orderMarginals(scores, shown.length, policy.temperature);
  const weight = (item: number, of: number, k: number): number =>
    chances[item][of] / (chances[item][0] + chances[item][k]) || 0;
  const weights = range(shown.length).map((k) => ({ here: weight(k, 0, k), first: weight(0, k, k) }));
  found.random.push({ unit: unit ?? request_id, clicks, weights });
}

const countsOf = ({ items, ...found }: Collected): ScenarioCounts => ({
  ...found,
  counts: [...items].flatMap(([item, places]) =>
    Object.entries(places).map(([position, count]) => ({ item, position: Number(position), ...count })),
  ),
});
