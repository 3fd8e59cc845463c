/** Requests as a log has them. */
import { error } from '../../base/errors/index.ts';
import type { Impression } from '../../events/event.ts';
import { isEvent, readLine } from '../../events/line.ts';
import type { EventLog } from '../../events/log.ts';

/**
 * An answered request of a log, or the last one without an id. Lines that cannot be it are not parsed: a log may be large.
 *
 * @throws EXPLAIN_NOT_RECORDED, and what `log.lines` throws
 */
export async function recordedRequest(log: Pick<EventLog, 'name' | 'lines'>, id?: string): Promise<Impression> {
  const written = id === undefined ? '"impression"' : JSON.stringify(id);
  let found: Impression | undefined;
  for await (const { lines } of log.lines()) {
    const last = lines.findLast((line) => line.includes(written) && impressionOf(line, id) !== undefined);
    found = (last === undefined ? undefined : impressionOf(last, id)) ?? found;
  }
  if (found === undefined) throw error('EXPLAIN_NOT_RECORDED', { log: log.name, id });
  return found;
}

function impressionOf(line: string, id: string | undefined): Impression | undefined {
  const event = readLine(line);
  if (!isEvent(event) || event.kind !== 'impression') return undefined;
  return id === undefined || event.request_id === id ? event : undefined;
}
