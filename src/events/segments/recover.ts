/** Finishes the segments of writers that were killed. */
import { closeSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, renameSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError, syncFolder } from '../../base/files.ts';
import { EVENT_SCHEMA } from '../event.ts';
import { lineOf } from '../line.ts';
import { fileOf, isBeingWritten, listSegments, type Segment } from './names.ts';

/**
 * Cuts the torn last line of each, notes it as a gap, and renames the segment. Several processes may do so at once.
 *
 * @returns the number of torn lines
 * @throws FILE_UNWRITABLE, DISK_FULL
 */
export function recoverSegments(folder: string): number {
  let torn = 0;
  for (const segment of listSegments(folder)) {
    if (!segment.isOpen || isBeingWritten(segment)) continue;
    const path = join(folder, fileOf(segment));
    try {
      if (cutTornLine(path, segment)) torn++;
      renameSync(path, join(folder, segment.name));
      syncFolder(folder);
    } catch (cause) {
      // Another process was faster.
      if ((cause as NodeJS.ErrnoException).code !== 'ENOENT') throw asWriteError(cause, path);
    }
  }
  return torn;
}

/** Whole lines stay. What is written has the same length whoever writes it, and stands at the same place. */
function cutTornLine(path: string, { name, started }: Segment): boolean {
  const file = openSync(path, 'r+');
  try {
    const { size } = fstatSync(file);
    const whole = lengthOfLines(file, size);
    if (whole === size) return false;
    const gap = {
      schema: EVENT_SCHEMA,
      event_id: `torn ${name}`,
      kind: 'gap',
      time: started,
      reason: 'torn',
      count: 1,
    } as const;
    ftruncateSync(file, whole);
    writeSync(file, lineOf(gap).bytes, 0, null, whole);
    fsyncSync(file);
    return true;
  } finally {
    closeSync(file);
  }
}

const CHUNK = 1 << 16;

/** Bytes up to the last line break. */
function lengthOfLines(file: number, size: number): number {
  const buffer = Buffer.alloc(CHUNK);
  for (let end = size; end > 0; end -= CHUNK) {
    const start = Math.max(end - CHUNK, 0);
    const read = readSync(file, buffer, 0, end - start, start);
    const at = buffer.subarray(0, read).lastIndexOf(10);
    if (at >= 0) return start + at + 1;
  }
  return 0;
}
