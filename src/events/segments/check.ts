/** What a folder of segments holds, and what is wrong with it. */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { createReport, type LogReport } from '../report.ts';
import { fileOf, isBeingWritten, listSegments, type Segment } from './names.ts';
import { linesOf } from './read.ts';

/** @throws FILE_MISSING, FILE_UNREADABLE */
export async function checkSegments(folder: string): Promise<LogReport> {
  const segments = listSegments(folder);
  const { report, add } = createReport();
  report.segments = segments.length;
  report.open = segments.filter(isBeingWritten).length;
  report.gaps.segments = missingSegments(segments);
  for (const segment of segments) {
    let number = 0;
    let end = 0;
    for await (const chunk of linesOf(folder, segment)) {
      end = chunk.end;
      for (const line of chunk.lines) {
        number++;
        add(line, () => `${segment.name}, line ${number}`);
      }
    }
    const size = statSync(join(folder, fileOf(segment)), { throwIfNoEntry: false })?.size ?? end;
    report.bytes += size;
    if (size > end && !isBeingWritten(segment)) report.gaps.torn++;
  }
  return report;
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
