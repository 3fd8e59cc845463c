/** Requests that logs of the folder have, the newest first. */
import { isEvent, readLine } from '../events/line.ts';
import { latestLines } from '../events/segments/latest.ts';
import type { RequestEntry } from '../pages/page.ts';
import type { Found } from './contents.ts';

/** What is read of a log, from its end. */
const BYTES = 4e6;
/** Requests that are shown of a log. */
const SHOWN = 50;

/** Without links. */
export type Recorded = Omit<RequestEntry, 'links'>;

/** @throws what latestLines throws */
export function latestRequests({ name, path }: Pick<Found, 'name' | 'path'>): Recorded[] {
  const found: Recorded[] = [];
  for (const line of latestLines(path, BYTES).toReversed()) {
    if (found.length === SHOWN) break;
    if (!line.includes('"impression"')) continue;
    const event = readLine(line);
    if (!isEvent(event) || event.kind !== 'impression') continue;
    const { request_id, time, scenario, model, candidates, items } = event;
    const [first] = items;
    found.push({
      log: name,
      id: request_id,
      time: new Date(time).toISOString(),
      scenario,
      model,
      candidates,
      first: first?.item_id ?? null,
      score: first?.score ?? null,
    });
  }
  return found;
}
