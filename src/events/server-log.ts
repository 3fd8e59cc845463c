/** What logs on servers have in common: rows that are read in chunks, in the order of their places. */
import { error } from '../base/errors/index.ts';
import type { EventLog, StoredLines } from './log.ts';
import { createReport } from './report.ts';

export interface StoredRow {
  /** Its place: where to go on after it. */
  at: string;
  event: string;
}

export interface StoredRows {
  /** What the server calls a row, for messages. */
  noun: string;
  /** A place before all rows. */
  start: string;
  isPlace: RegExp;
  /** Chunks of rows after a place, up to what is stored now; none is empty. */
  after(place: string): AsyncIterable<StoredRow[]>;
}

/** @param name of the log, for messages */
export function readRows(
  name: string,
  { noun, start, isPlace, after }: StoredRows,
): Pick<EventLog, 'name' | 'lines' | 'settled' | 'check'> {
  return {
    name,
    async *lines(from = start): AsyncGenerator<StoredLines> {
      if (!isPlace.test(from)) throw error('EVENT_CURSOR', { found: from.slice(0, 100) });
      for await (const rows of after(from))
        yield { lines: rows.map(({ event }) => event), cursor: rows[rows.length - 1].at, place: name };
    },
    settled: async () => {},
    async check() {
      const { report, add } = createReport();
      for await (const rows of after(start))
        for (const { at, event } of rows) {
          report.bytes += Buffer.byteLength(event);
          add(event, () => `${noun} ${at}`);
        }
      return report;
    },
  };
}
