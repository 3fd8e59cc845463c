/** A log that is read and looked after: the same for folders of segments and for servers. */
import { error } from '../base/errors/index.ts';
import type { LogEvent } from './event.ts';
import { isEvent, readLine } from './line.ts';
import type { LogReport } from './report.ts';

export interface EventLog {
  /** For messages: a folder, or a server and what holds the events there. */
  name: string;
  /**
   * The lines from a cursor on, or all; ends at what is stored now. Those of each writer in its order, each once. Events with one
   * `event_id` may be there twice: a client may send them again.
   *
   * @throws EVENT_CURSOR, EVENT_STORE, FILE_MISSING, FILE_UNREADABLE
   */
  lines(from?: string): AsyncIterable<StoredLines>;
  /** Waits until segments that are being written now are finished: only then can events be deleted from them. */
  settled(): Promise<void>;
  /** Counts what is there and what is missing. Throws what `lines` throws. */
  check(): Promise<LogReport>;
  /**
   * Deletes the events of a unit: its impressions, and what was done with the items of their answers.
   *
   * @param unit as it is in the log: hashed where the service hashes units
   * @throws EVENT_LOG_LOCKED, EVENT_STORE, FILE_MISSING, FILE_UNREADABLE, FILE_UNWRITABLE, DISK_FULL
   */
  forget(unit: string): Promise<Forgotten>;
  /**
   * Deletes events older than `time` (milliseconds since 1970), segments as a whole.
   *
   * @throws EVENT_STORE, FILE_MISSING, FILE_UNREADABLE, FILE_UNWRITABLE
   */
  prune(time: number): Promise<Pruned>;
  close(): Promise<void>;
}

export interface StoredLines {
  /** One JSON object each. */
  lines: string[];
  /** Where to go on after them. */
  cursor: string;
  /** What holds them, for messages. */
  place: string;
}

export interface Forgotten {
  /** Events that were deleted. */
  events: number;
  /** Segments that were rewritten. */
  segments?: number;
  /** Events of the unit in segments that are still being written: they cannot be deleted yet. */
  left: number;
}

/** What was deleted: segments, or events of a server. */
export type Pruned = { segments: number; bytes: number } | { events: number };

export interface EventBatch {
  events: LogEvent[];
  /** Lines that are no event: they are skipped. `tributary log check` names them. */
  damaged: number;
  /** Where to go on after this batch. */
  cursor: string;
}

/**
 * The events of a log from a cursor on, or all, in the order of `EventLog.lines`.
 *
 * @throws EVENT_VERSION, and what `lines` throws
 */
export async function* readEvents(log: Pick<EventLog, 'lines'>, from?: string): AsyncGenerator<EventBatch> {
  for await (const stored of log.lines(from)) yield eventsOf(stored);
}

function eventsOf({ lines, cursor, place }: StoredLines): EventBatch {
  const events: LogEvent[] = [];
  let damaged = 0;
  for (const line of lines) {
    const read = readLine(line);
    if (isEvent(read)) events.push(read);
    else if (read.version !== undefined) throw error('EVENT_VERSION', { path: place, found: read.version });
    else damaged++;
  }
  return { events, damaged, cursor };
}
