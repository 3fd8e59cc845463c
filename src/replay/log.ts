/**
 * A log as replay needs it: explored requests as a whole, of all others the reward alone. The log is read twice: reactions may stand in
 * the segments of another process than their request.
 */
import { error } from '../base/errors/index.ts';
import type { Impression, LogEvent } from '../events/event.ts';
import { createIdSet } from '../events/ids.ts';
import { type EventLog, readEvents } from '../events/log.ts';

/** What is counted. */
export interface RewardRules {
  /** By type of interaction: what one is worth. An item counts each type once. */
  reward: Readonly<Record<string, number>>;
  /** Reactions later than this after their request do not count, and younger requests are left out; milliseconds. Default: all count. */
  window?: number;
}

export interface ExploredRequest {
  impression: Impression;
  /** By position. */
  rewards: number[];
}

export interface LogOfRequests {
  /** In a random order with known chances. */
  explored: ExploredRequest[];
  /** In the order by score: unit and reward. */
  served: { unit: string; reward: number }[];
  /** By `name@id`: requests. */
  models: Record<string, number>;
  counts: LogCounts;
}

export interface LogCounts {
  impressions: number;
  /** Events whose id, or impressions whose request id, came before: left out. */
  duplicates: number;
  /** Interleaved, so in no order of one ranker: left out. */
  interleaved: number;
  /** Younger than the window: left out. */
  open: number;
  /** Interactions and corrections without a request in the log: left out. */
  orphans: number;
  /** Lines that are no event: left out. */
  damaged: number;
  /** Requests without a unit: each is its own. */
  withoutUnit: number;
}

/** @throws EVENT_LOG_EMPTY, and what readEvents throws */
export async function readRequests(log: EventLog, { reward, window }: RewardRules): Promise<LogOfRequests> {
  const requests = new Map<string, Entry>();
  const models: Record<string, number> = {};
  const counts: LogCounts = {
    impressions: 0,
    duplicates: 0,
    interleaved: 0,
    open: 0,
    orphans: 0,
    damaged: 0,
    withoutUnit: 0,
  };
  let last = 0;
  counts.damaged = await eachEvent(log, (event) => {
    if (event.kind === 'forgotten') return;
    last = Math.max(last, event.time);
    if (event.kind !== 'impression') return;
    counts.impressions++;
    if (requests.has(event.request_id)) counts.duplicates++;
    else {
      models[event.model] = (models[event.model] ?? 0) + 1;
      if (event.unit === null) counts.withoutUnit++;
      requests.set(event.request_id, entryOf(event));
    }
  });
  const seen = createIdSet();
  await eachEvent(log, (event) => {
    if (event.kind !== 'interaction' && event.kind !== 'correction') return;
    if (!seen.add(event.event_id)) counts.duplicates++;
    else if (!requests.has(event.request_id)) counts.orphans++;
    else if (Object.hasOwn(reward, event.type)) note(requests.get(event.request_id) as Entry, event, window);
  });
  const explored: ExploredRequest[] = [];
  const served: LogOfRequests['served'] = [];
  for (const [id, entry] of requests) {
    const { kind, time, unit, impression, reactions } = entry;
    if (window !== undefined && time > last - window) counts.open++;
    else if (kind === 'interleave') counts.interleaved++;
    else if (impression !== undefined) {
      const items = impression.items.filter(({ position }) => position !== null);
      explored.push({ impression, rewards: items.map(({ item_id }) => rewardOf(reactions, reward, item_id)) });
    } else served.push({ unit: unit ?? `request ${id}`, reward: rewardOf(reactions, reward) });
  }
  return { explored, served, models, counts };
}

interface Entry {
  kind: Impression['policy']['kind'];
  time: number;
  unit: string | null;
  /** Of explored requests. */
  impression?: Impression;
  /** By item and type: time of the last interaction that counts, and of the last correction. */
  reactions?: Map<string, { item: string; type: string; last: number; back: number }>;
}

const entryOf = (impression: Impression): Entry => ({
  kind: impression.policy.kind,
  time: impression.time,
  unit: impression.unit,
  ...(impression.policy.kind === 'plackett-luce' && { impression }),
});

function note(entry: Entry, event: Extract<LogEvent, { kind: 'interaction' | 'correction' }>, window?: number): void {
  const { item_id: item, type, time, kind } = event;
  if (kind === 'interaction' && window !== undefined && time > entry.time + window) return;
  entry.reactions ??= new Map();
  const key = `${type}\n${item}`;
  const found = entry.reactions.get(key) ?? {
    item,
    type,
    last: Number.NEGATIVE_INFINITY,
    back: Number.NEGATIVE_INFINITY,
  };
  const which = kind === 'interaction' ? 'last' : 'back';
  entry.reactions.set(key, { ...found, [which]: Math.max(found[which], time) });
}

/** Of one item, or of all. A correction takes back what came before it. */
function rewardOf(reactions: Entry['reactions'], reward: RewardRules['reward'], item?: string): number {
  let total = 0;
  for (const { item: own, type, last, back } of reactions?.values() ?? [])
    if ((item === undefined || item === own) && last > back) total += reward[type];
  return total;
}

/** Returns the number of lines that are no event. */
export async function eachEvent(log: EventLog, take: (event: LogEvent) => void): Promise<number> {
  let damaged = 0;
  let read = 0;
  for await (const batch of readEvents(log)) {
    damaged += batch.damaged;
    read += batch.events.length;
    for (const event of batch.events) take(event);
  }
  if (read === 0) throw error('EVENT_LOG_EMPTY', { log: log.name });
  return damaged;
}
