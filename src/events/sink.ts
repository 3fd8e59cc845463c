/** Where events are written: the same for folders of segments and for servers. */
import type { EventLine } from './line.ts';

export interface EventSink {
  /**
   * All lines are stored, or none is and the promise rejects. A batch that was rejected comes again before any other, unchanged: a
   * server may have stored it although its answer was lost, and stores it once all the same. Without lines: finds out whether events
   * can be stored. One call at a time.
   */
  append(lines: readonly EventLine[]): Promise<void>;
  /** Stores what is buffered and frees all. */
  close(): Promise<void>;
}
