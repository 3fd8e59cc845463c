/** Where events are kept: the same for folders of segments and for databases. */
import type { LogEvent } from './event.ts';
import type { EventLine } from './line.ts';

export interface EventSink {
  /** All lines are stored, or none is and the promise rejects. One call at a time. */
  append(lines: readonly EventLine[]): Promise<void>;
  /**
   * Events from a cursor on, or all; ends at what is stored now. Of each writer in its order, each once. Events with one
   * `event_id` may be there twice: a client may send them again.
   *
   * @throws EVENT_CURSOR, EVENT_VERSION
   */
  read(from?: string): AsyncIterable<EventBatch>;
  /** Stores what is buffered and frees all. */
  close(): Promise<void>;
}

export interface EventBatch {
  events: LogEvent[];
  /** Lines that are no event: they are skipped. `tributary log check` names them. */
  damaged: number;
  /** Where to go on after this batch. */
  cursor: string;
}
