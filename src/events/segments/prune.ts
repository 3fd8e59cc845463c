/** Deletes old segments. */
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError, syncFolder } from '../../base/files.ts';
import { listSegments, type Segment } from './names.ts';
import { linesOf } from './read.ts';
import { recoverSegments } from './recover.ts';

/**
 * Deletes finished segments of which every event is older than `time` (milliseconds since 1970). Of a writer the oldest ones go
 * first, and none after one that stays.
 *
 * @throws FILE_MISSING, FILE_UNREADABLE, FILE_UNWRITABLE
 */
export async function pruneSegments(folder: string, time: number): Promise<{ segments: number; bytes: number }> {
  listSegments(folder); // is there a folder?
  recoverSegments(folder);
  const pruned = { segments: 0, bytes: 0 };
  const done = new Set<string>();
  for (const segment of listSegments(folder)) {
    if (done.has(segment.writer)) continue;
    if (segment.isOpen || segment.started >= time || (await lastTime(folder, segment)) >= time) {
      done.add(segment.writer);
      continue;
    }
    const path = join(folder, segment.name);
    try {
      pruned.bytes += statSync(path).size;
      rmSync(path);
    } catch (cause) {
      throw asWriteError(cause, path);
    }
    pruned.segments++;
  }
  if (pruned.segments > 0) syncFolder(folder);
  return pruned;
}

/** Time of the latest event. */
async function lastTime(folder: string, segment: Segment): Promise<number> {
  let last = segment.started;
  for await (const { lines } of linesOf(folder, segment))
    for (const line of lines) last = Math.max(last, Number(/"time":(\d+)/.exec(line)?.[1] ?? 0));
  return last;
}
