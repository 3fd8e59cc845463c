/** What a log holds, and what is wrong with it. */
import { createIdSet } from './ids.ts';
import { isEvent, readLine } from './line.ts';

export interface LogReport {
  /** Of a folder. */
  segments?: number;
  /** Of them, those that a process is writing. */
  open?: number;
  bytes: number;
  events: { impression: number; interaction: number; correction: number };
  /** Times of the first and the last event, milliseconds since 1970. */
  first?: number;
  last?: number;
  /** Events with an id that came before. They count once when rows are made of them. */
  duplicates: number;
  /** Places of events that were deleted on a user's wish. */
  forgotten: number;
  gaps: {
    /** Events that the service could not store. */
    dropped: number;
    /** Last lines that a killed process left in part: those cut, and those that the next start will cut. */
    torn: number;
    /** Segments that are missing between others of their writer. */
    segments: number;
  };
  damaged: {
    lines: number;
    /** The first of them, each with its place: segment and line, or what the server calls it. */
    examples: { place: string; problem: string }[];
  };
}

const EXAMPLES = 10;

/** Counts lines, one after the other. */
export function createReport(): { report: LogReport; add(line: string, place: () => string): void } {
  const report: LogReport = {
    bytes: 0,
    events: { impression: 0, interaction: 0, correction: 0 },
    duplicates: 0,
    forgotten: 0,
    gaps: { dropped: 0, torn: 0, segments: 0 },
    damaged: { lines: 0, examples: [] },
  };
  const { events, gaps, damaged } = report;
  const ids = createIdSet();
  return {
    report,
    add(line, place) {
      const event = readLine(line);
      if (!isEvent(event)) {
        damaged.lines++;
        if (damaged.examples.length < EXAMPLES) damaged.examples.push({ place: place(), problem: event.problem });
        return;
      }
      if (event.kind === 'forgotten') {
        report.forgotten++;
        return;
      }
      if (event.kind === 'gap') {
        gaps[event.reason] += event.count;
        return;
      }
      if (!ids.add(event.event_id)) report.duplicates++;
      events[event.kind]++;
      report.first = Math.min(report.first ?? event.time, event.time);
      report.last = Math.max(report.last ?? event.time, event.time);
    },
  };
}
