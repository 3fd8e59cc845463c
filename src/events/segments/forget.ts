/**
 * Deletes the events of a unit: its impressions, and what was done with the items of their answers. Their lines are replaced by blank
 * ones of the same length, so cursors stay valid. Each segment is rewritten next to its place, then renamed.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { asWriteError, syncFolder } from '../../base/files.ts';
import { newMark, readMark } from '../../base/marks.ts';
import { EVENT_SCHEMA } from '../event.ts';
import type { Forgotten } from '../log.ts';
import { ownEvents } from '../own.ts';
import { isBeingWritten, listSegments, type Segment } from './names.ts';
import { linesOf } from './read.ts';
import { recoverSegments } from './recover.ts';

/**
 * @param unit as it is in the log: hashed where the service hashes units
 * @throws EVENT_LOG_LOCKED, FILE_MISSING, FILE_UNREADABLE, FILE_UNWRITABLE, DISK_FULL; then each segment is as it was, or done
 */
export async function forgetUnit(folder: string, unit: string): Promise<Required<Forgotten>> {
  listSegments(folder); // is there a folder?
  const unlock = lock(folder);
  try {
    recoverSegments(folder);
    removeDrafts(folder);
    const segments = listSegments(folder);
    const { noteRequest, isOwn } = ownEvents(unit);
    for (const segment of segments) await forEachLine(folder, segment, noteRequest);
    const result = { events: 0, segments: 0, left: 0 };
    for (const segment of segments) {
      let count = 0;
      await forEachLine(folder, segment, (line) => {
        if (isOwn(line)) count++;
      });
      if (count === 0) continue;
      if (segment.isOpen) {
        result.left += count;
        continue;
      }
      await rewrite(folder, segment, isOwn);
      result.events += count;
      result.segments++;
    }
    return result;
  } finally {
    unlock();
  }
}

const POLL_MS = 500;

/** Waits until the segments that are being written now are finished. */
export async function segmentsFinished(folder: string): Promise<void> {
  const began = Date.now();
  const isWritten = (segment: Segment): boolean => isBeingWritten(segment) && segment.started < began;
  while (listSegments(folder).some(isWritten)) await new Promise((done) => setTimeout(done, POLL_MS));
}

async function forEachLine(folder: string, segment: Segment, look: (line: string) => void): Promise<void> {
  for await (const { lines } of linesOf(folder, segment)) for (const line of lines) look(line);
}

const BLANK = JSON.stringify({ schema: EVENT_SCHEMA, kind: 'forgotten' });
const DRAFT = '.forgetting-';

async function rewrite(folder: string, segment: Segment, isOwn: (line: string) => boolean): Promise<void> {
  const path = join(folder, segment.name);
  const draft = `${path}${DRAFT}${newMark()}`;
  try {
    const file = await open(draft, 'wx');
    try {
      for await (const { lines } of linesOf(folder, segment)) {
        const kept = lines.map((line) => (isOwn(line) ? BLANK.padEnd(Buffer.byteLength(line)) : line));
        await file.writeFile(`${kept.join('\n')}\n`);
      }
      await file.sync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
    syncFolder(folder);
  } catch (cause) {
    rmSync(draft, { force: true });
    throw asWriteError(cause, path);
  }
}

/** What a killed process left: it holds what another user wants to be gone. */
function removeDrafts(folder: string): void {
  for (const name of readdirSync(folder)) if (name.includes(DRAFT)) rmSync(join(folder, name), { force: true });
}

/** One process at a time: two that rewrite a segment would undo each other's work. */
function lock(folder: string): () => void {
  const path = join(folder, 'forget.lock');
  for (;;)
    try {
      writeFileSync(path, newMark(), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EEXIST') throw asWriteError(cause, path);
      const holder = readMark(textOf(path));
      if (holder?.alive === true) throw error('EVENT_LOG_LOCKED', { folder, path });
      rmSync(path, { force: true });
    }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
