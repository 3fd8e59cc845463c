/** What a process logs of its answers and takes from clients. Requests never wait for it. */
import { createHash, randomUUID } from 'node:crypto';
import { random } from '../../base/random.ts';
import type { EventsConfig } from '../../config/events.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { Correction, Interaction } from '../../events/event.ts';
import { lineOf } from '../../events/line.ts';
import { openSink } from '../../events/open.ts';
import { createEventQueue, type EventQueue } from '../../events/queue.ts';
import { hashUnit, secretOf } from '../../events/unit.ts';
import { reportTo } from '../http/log.ts';
import type { SentItems } from '../http/sent-items.ts';
import { type Family, family } from '../metrics/metrics.ts';
import type { Exploration } from '../ranker/order.ts';
import type { Ranking, ServedRanker } from '../ranker/ranker-contract.ts';
import { type ImpressionRules, impressionLine } from './impression.ts';
import { createRecentIds } from './recent.ts';

export interface EventLogger {
  /** Is the answer to a request of this id logged? If so, how its order is to be drawn, where it is. */
  chosen(requestId: string): { exploration?: Exploration } | undefined;
  /** Logs an answer once it is on its way. */
  addRanking(ranking: Ranking, ranker: ServedRanker, options: LoggedRanking): void;
  /** Do requests bring their time? */
  readonly clock: EventsConfig['clock'];
  /** What becomes of an event of a client: with `sync: always` known once it is stored. */
  add(event: Interaction | Correction): Promise<'accepted' | 'duplicate' | 'not stored'>;
  /** Why nothing is logged at present. */
  stopped(): string | undefined;
  families(): Family[];
  close(): Promise<void>;
}

interface LoggedRanking {
  /** Milliseconds since 1970. Default: now. */
  time?: number;
  /** Items of the request as they came, if they may be logged so. */
  sent?: SentItems;
}

/** Ids of events of clients that are remembered. Those that come again later are found when the log is read. */
const RECENT_IDS = 100_000;
/** Time for a client's event to be stored before it is given back, `sync: always`. */
const STORE_MS = 1000;
/** Time to store what waits when the service ends. */
const CLOSE_MS = 5000;
/** Events of this time are written together, except with `sync: always`. Larger writes take a core from requests for longer. */
const GATHER_MS = 10;

/**
 * Undefined where no events are logged.
 *
 * @throws EVENTS_SECRET, FILE_UNWRITABLE
 */
export async function createEventLogger(config: ServingConfig): Promise<EventLogger | undefined> {
  const { events, exploration } = config;
  if (events === undefined) return undefined;
  const report = reportTo(config);
  const { unit, unitHash, fields, unshown, share, sync, clock } = events;
  const rules: ImpressionRules = {
    fields,
    unshown,
    unit,
    hashUnit: hasherOf(unitHash),
  };
  const { sink, torn, where } = openSink(events);
  if (torn > 0) report('warn', `${torn} torn lines of killed processes were cut in ${where}`);
  const queue = createEventQueue(sink, {
    bytes: events.queueBytes,
    gatherMs: sync === 'always' ? 0 : GATHER_MS,
    onState: (reason, dropped) =>
      reason === undefined
        ? report('info', `events are logged again in ${where}; ${dropped} were dropped`)
        : report('error', `events cannot be logged in ${where}: ${reason}. Requests are answered; trying again`),
  });
  const recent = createRecentIds(RECENT_IDS);

  return {
    clock,
    chosen(requestId) {
      if (!isChosen(requestId, share)) return undefined;
      if (exploration === undefined || exploration.share === 0) return {};
      const seed = exploration.seed === undefined ? randomUUID() : `${exploration.seed}/${requestId}`;
      const isDrawn = random('exploration', seed).uniform() < exploration.share;
      return isDrawn ? { exploration: { temperature: exploration.temperature, seed } } : {};
    },
    addRanking(ranking, { fields: known }, { time = Date.now(), sent }) {
      // After the answer has been written to its connection.
      setImmediate(() => queue.add(impressionLine({ ranking, sent, time }, known, rules)));
    },
    async add(event) {
      if (recent.has(event.event_id)) return 'duplicate';
      if (queue.stopped() !== undefined && sync === 'always') return 'not stored';
      recent.add(event.event_id);
      const line = lineOf(event);
      const isTaken = sync === 'always' ? await queue.addStored(line, STORE_MS) : queue.add(line);
      if (!isTaken) recent.delete(event.event_id);
      return isTaken ? 'accepted' : 'not stored';
    },
    stopped: () => queue.stopped(),
    families: () => familiesOf(queue, torn),
    async close() {
      // Impressions of the last answers are on their way.
      await new Promise((done) => setImmediate(done));
      const lost = await queue.close(CLOSE_MS);
      if (lost > 0) report('error', `${lost} events could not be logged before the end`);
    },
  };
}

/** By a hash, so that all processes and services choose the same requests. */
function isChosen(requestId: string, share: number): boolean {
  if (share === 1) return true;
  const digest = createHash('sha256').update(`log ${requestId}`).digest();
  return digest.readUInt32BE(0) / 2 ** 32 < share;
}

/** Throws EVENTS_SECRET. */
function hasherOf(named: string | undefined): ImpressionRules['hashUnit'] {
  if (named === undefined) return undefined;
  const key = secretOf(named, 'events.unitHash');
  return (value) => hashUnit(value, key);
}

function familiesOf(queue: EventQueue, torn: number): Family[] {
  const { stored, dropped, waitingBytes, lagSeconds } = queue.counts();
  const byKind = (counts: ReadonlyMap<string, number>) =>
    [...counts].map(([kind, count]) => ({ labels: { kind }, values: [count] }));
  const one = (value: number) => [{ labels: {}, values: [value] }];
  return [
    family('tributary_events_total', 'Events that were stored, by kind.', 'counter', byKind(stored)),
    family(
      'tributary_events_dropped_total',
      'Events that were dropped since too many waited, by kind.',
      'counter',
      byKind(dropped),
    ),
    family('tributary_events_torn_total', 'Torn lines of killed processes that were cut.', 'counter', one(torn)),
    family('tributary_events_queue_bytes', 'Bytes of events that wait to be stored.', 'gauge', one(waitingBytes)),
    {
      ...family('tributary_events_lag_seconds', 'Age of the oldest event that waits.', 'gauge', one(lagSeconds)),
      over: 'max',
    },
    {
      ...family(
        'tributary_events_stopped',
        '1 while events cannot be stored.',
        'gauge',
        one(queue.stopped() === undefined ? 0 : 1),
      ),
      over: 'max',
    },
  ];
}
