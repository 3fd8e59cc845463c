/** Can an artifact repeat the answers that the service gave? */

import type { Impression, LogEvent } from '../../events/event.ts';
import { readEvents } from '../../events/log.ts';
import { openLogAt } from '../../events/open.ts';
import type { RankRequest } from '../../serve/ranker/contract.ts';
import { loadRanker } from '../../serve/ranker/ranker.ts';

export interface Repeated {
  tried: number;
  failing: number;
  /** Why the first one failed. */
  reason?: string;
}

/** Asks the artifact what impressions of the log were asked, with the values that they kept. */
export async function repeatRequests(artifact: string, impressions: readonly Impression[]): Promise<Repeated> {
  await using ranker = await loadRanker(artifact);
  const repeated: Repeated = { tried: impressions.length, failing: 0 };
  for (const impression of impressions)
    try {
      await ranker.rank(requestOf(impression));
    } catch (cause) {
      repeated.failing++;
      repeated.reason ??= (cause as Error).message;
    }
  return repeated;
}

const requestOf = ({ scenario, values, sequences, items }: Impression): RankRequest => ({
  scenario,
  user: { ...values, ...(sequences && { sequences }) },
  items: items.map(({ item_id, values: own }) => ({ ...own, id: item_id })),
});

/**
 * The last answers before `end` (milliseconds since 1970) that kept values, at most `most` of them, newest first.
 *
 * @param from cursor of an earlier search. Default: the beginning of the log
 */
export async function lastImpressions(
  place: string,
  { from, end, most }: { from?: string; end: number; most: number },
): Promise<{ impressions: Impression[]; cursor?: string }> {
  const log = await openLogAt(place);
  let found: Impression[] = [];
  let cursor = from;
  try {
    for await (const batch of readEvents(log, from)) {
      cursor = batch.cursor;
      const own = batch.events.filter((event) => event.kind === 'impression' && event.time < end && hasValues(event));
      found = [...found, ...(own as Impression[])].sort(newestFirst).slice(0, most);
    }
  } finally {
    await log.close();
  }
  return { impressions: found, ...(cursor !== undefined && { cursor }) };
}

const newestFirst = (a: Impression, b: Impression): number => b.time - a.time || (a.event_id < b.event_id ? -1 : 1);

const hasValues = (event: LogEvent): boolean =>
  event.kind === 'impression' && (event.values !== undefined || event.items.some((item) => item.values !== undefined));
