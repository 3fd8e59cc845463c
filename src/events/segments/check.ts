/** What a folder of segments holds, and what is wrong with it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createIdSet } from '../ids.ts';
import { isEvent, readLine } from '../line.ts';
import { fileOf, isBeingWritten, listSegments, type Segment } from './names.ts';
import { linesOf } from './read.ts';

export interface LogReport {
  segments: number;
  /** Of them, those that a process is writing. */
  open: number;
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
    /** The first of them. */
    examples: { segment: string; line: number; problem: string }[];
  };
}

const EXAMPLES = 10;

/** @throws FILE_MISSING, FILE_UNREADABLE */
export async function checkSegments(folder: string): Promise<LogReport> {
  const segments = listSegments(folder);
  const report: LogReport = {
    segments: segments.length,
    open: segments.filter(isBeingWritten).length,
    bytes: 0,
    events: { impression: 0, interaction: 0, correction: 0 },
    duplicates: 0,
    forgotten: 0,
    gaps: { dropped: 0, torn: 0, segments: missingSegments(segments) },
    damaged: { lines: 0, examples: [] },
  };
  const ids = createIdSet();
  for (const segment of segments) await addSegment(folder, segment, report, ids);
  return report;
}

async function addSegment(
  folder: string,
  segment: Segment,
  report: LogReport,
  ids: ReturnType<typeof createIdSet>,
): Promise<void> {
  let number = 0;
  let end = 0;
  for await (const chunk of linesOf(folder, segment)) {
    end = chunk.end;
    for (const line of chunk.lines) addLine(line, ++number, segment.name, report, ids);
  }
  const size = statSync(join(folder, fileOf(segment)), { throwIfNoEntry: false })?.size ?? end;
  report.bytes += size;
  if (size > end && !isBeingWritten(segment)) report.gaps.torn++;
}

function addLine(
  line: string,
  number: number,
  segment: string,
  report: LogReport,
  ids: ReturnType<typeof createIdSet>,
): void {
  const event = readLine(line);
  if (!isEvent(event)) {
    report.damaged.lines++;
    if (report.damaged.examples.length < EXAMPLES)
      report.damaged.examples.push({ segment, line: number, problem: event.problem });
    return;
  }
  if (event.kind === 'forgotten') {
    report.forgotten++;
    return;
  }
  if (event.kind === 'gap') {
    report.gaps[event.reason] += event.count;
    return;
  }
  if (!ids.add(event.event_id)) report.duplicates++;
  report.events[event.kind]++;
  report.first = Math.min(report.first ?? event.time, event.time);
  report.last = Math.max(report.last ?? event.time, event.time);
}

/** Numbers of a writer between its first and its last that no segment has. */
function missingSegments(segments: readonly Segment[]): number {
  const writers = new Map<string, { first: number; last: number; count: number }>();
  for (const { writer, counter } of segments) {
    const { first, last, count } = writers.get(writer) ?? { first: counter, last: counter, count: 0 };
    writers.set(writer, { first: Math.min(first, counter), last: Math.max(last, counter), count: count + 1 });
  }
  let missing = 0;
  for (const { first, last, count } of writers.values()) missing += last - first + 1 - count;
  return missing;
}
