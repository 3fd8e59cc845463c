/**
 * A bounded queue before a sink: whoever adds an event never waits. What the sink cannot take in time is dropped and counted; when
 * the sink takes events again, a gap says in the log how many are missing.
 */
import { randomUUID } from 'node:crypto';
import { within } from '../base/disposal.ts';
import { releaseLine } from './bytes.ts';
import { EVENT_SCHEMA } from './event.ts';
import { type EventLine, lineOf } from './line.ts';
import type { EventSink } from './sink.ts';

export interface QueueOptions {
  /** Events that wait, bytes. */
  bytes: number;
  /** Time to collect events for one write. */
  gatherMs: number;
  /** Called when events cannot be stored (with the reason), and when they can again. */
  onState: (reason: string | undefined, dropped: number) => void;
}

export interface EventQueue {
  /** Takes the line over: its memory is used again when it is stored or dropped. False: there is no room, and the event is dropped. */
  add(line: EventLine): boolean;
  /** The same; resolves to true when the event is stored, to false if it was dropped or is not stored after `milliseconds`. */
  addStored(line: EventLine, milliseconds: number): Promise<boolean>;
  /** Why nothing is stored at present. */
  stopped(): string | undefined;
  counts(): QueueCounts;
  /** Stores what waits, for at most `milliseconds`; returns how many events were given up. */
  close(milliseconds: number): Promise<number>;
}

export interface QueueCounts {
  /** Stored events by kind. */
  stored: ReadonlyMap<string, number>;
  /** By kind. */
  dropped: ReadonlyMap<string, number>;
  waitingBytes: number;
  /** Age of the oldest event that waits. */
  lagSeconds: number;
}

interface Waiting {
  line: EventLine;
  /** performance.now */
  since: number;
  onStored?: () => void;
}

interface Batch {
  events: readonly Waiting[];
  /** How many events are missing before them. */
  missing: number;
  lines: readonly EventLine[];
}

/** Bytes that are given to the sink at once, about. */
const MOST_BATCH_BYTES = 4e6;
const RETRY_MS = 500;
/** A sink that takes longer for one batch counts as stopped. */
const SLOW_MS = 5000;

export function createEventQueue(sink: EventSink, { bytes: limit, gatherMs, onState }: QueueOptions): EventQueue {
  let waiting: Waiting[] = [];
  let waitingBytes = 0;
  const stored = new Map<string, number>();
  const dropped = new Map<string, number>();
  let notNoted = 0;
  let reason: string | undefined;
  /** What was refused: it goes to the sink again, unchanged. */
  let refused: Batch | undefined;
  let storing: Promise<void> | undefined;
  let timer: NodeJS.Timeout | undefined;
  let isClosing = false;

  const add = (line: EventLine, onStored?: () => void): boolean => {
    const { length } = line.bytes;
    if (isClosing || waitingBytes + length > limit) {
      dropped.set(line.kind, (dropped.get(line.kind) ?? 0) + 1);
      notNoted++;
      releaseLine(line.bytes);
      return false;
    }
    waiting.push({ line, since: performance.now(), onStored });
    waitingBytes += length;
    schedule(gatherMs);
    return true;
  };

  const schedule = (milliseconds: number): void => {
    if (timer === undefined && storing === undefined) timer = setTimeout(storeNext, milliseconds);
  };

  const storeNext = (): void => {
    timer = undefined;
    storing = store().then((isStored) => {
      storing = undefined;
      if (!isStored) schedule(RETRY_MS);
      else if (waiting.length > 0) schedule(gatherMs);
    });
  };

  const nextBatch = (): Batch => {
    const events = firstOf(waiting);
    const gap = notNoted > 0 ? [gapOf(notNoted)] : [];
    return { events, missing: notNoted, lines: [...gap, ...events.map(({ line }) => line)] };
  };

  /** Gives the first events to the sink; false if it refuses them. */
  const store = async (): Promise<boolean> => {
    const batch = refused ?? nextBatch();
    const slow = setTimeout(() => setState(`a write takes more than ${SLOW_MS / 1000} s`), SLOW_MS);
    try {
      await sink.append(batch.lines);
    } catch (cause) {
      refused = batch;
      setState((cause as Error).message);
      return false;
    } finally {
      clearTimeout(slow);
    }
    refused = undefined;
    setState(undefined);
    notNoted -= batch.missing;
    waiting = waiting.slice(batch.events.length);
    for (const { line, onStored } of batch.events) {
      waitingBytes -= line.bytes.length;
      stored.set(line.kind, (stored.get(line.kind) ?? 0) + 1);
      onStored?.();
    }
    for (const { bytes } of batch.lines) releaseLine(bytes);
    return true;
  };

  const setState = (next: string | undefined): void => {
    if (reason === next || (reason !== undefined && next !== undefined)) return;
    reason = next;
    onState(next, notNoted);
  };

  schedule(0); // does it store events at all?

  return {
    add: (line) => add(line),
    addStored: (line, milliseconds) =>
      new Promise((resolve) => {
        const late = setTimeout(() => resolve(false), milliseconds);
        const isAdded = add(line, () => {
          clearTimeout(late);
          resolve(true);
        });
        if (isAdded) return;
        clearTimeout(late);
        resolve(false);
      }),
    stopped: () => reason,
    counts: () => ({
      stored,
      dropped,
      waitingBytes,
      lagSeconds: waiting.length === 0 ? 0 : (performance.now() - waiting[0].since) / 1000,
    }),
    async close(milliseconds) {
      isClosing = true;
      clearTimeout(timer);
      timer = undefined;
      const end = performance.now() + milliseconds;
      const rest = async (): Promise<void> => {
        await storing;
        clearTimeout(timer);
        while ((waiting.length > 0 || notNoted > 0) && performance.now() < end && (await store()));
        await sink.close().catch(() => {});
      };
      await within(rest(), milliseconds);
      return waiting.length;
    },
  };
}

/** As many as go into one batch: one at least, if there is one. */
function firstOf(waiting: readonly Waiting[]): Waiting[] {
  let bytes = 0;
  let count = 0;
  while (count < waiting.length && (count === 0 || bytes + waiting[count].line.bytes.length <= MOST_BATCH_BYTES))
    bytes += waiting[count++].line.bytes.length;
  return waiting.slice(0, count);
}

const gapOf = (count: number): EventLine =>
  lineOf({ schema: EVENT_SCHEMA, event_id: randomUUID(), kind: 'gap', time: Date.now(), reason: 'dropped', count });
