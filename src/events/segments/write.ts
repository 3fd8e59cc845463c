/** Writes segments: append-only files of JSON lines, one open at a time, rotated by size and age, renamed when finished. */
import { type FileHandle, mkdir, open, rename, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import { asWriteError } from '../../base/files.ts';
import { newMark } from '../../base/marks.ts';
import { joined } from '../bytes.ts';
import type { EventLine } from '../line.ts';
import { fileOf, newSegment, type Segment } from './names.ts';

export interface SegmentOptions {
  /** A segment is finished when it has this many bytes, or is this many seconds old. */
  rotate: { bytes: number; seconds: number };
  /** When lines are safe from a power cut: before `append` resolves, within a second, or when the system writes them. */
  sync: 'always' | 'interval' | 'never';
}

export interface SegmentWriter {
  /** Appends all lines or, if that fails, none. One call at a time. Throws DISK_FULL, FILE_UNWRITABLE. */
  append(lines: readonly EventLine[]): Promise<void>;
  /** Finishes the open segment. */
  close(): Promise<void>;
}

const SYNC_MS = 1000;
const SECOND = 1000;

/** A writer with a mark of its own, so any number of processes may write to one folder. Files appear with the first line. */
export function writeSegments(folder: string, { rotate, sync }: SegmentOptions): SegmentWriter {
  const writer = newMark();
  let counter = 0;
  let current: { segment: Segment; file: FileHandle; bytes: number; isSynced: boolean } | undefined;
  let aging: NodeJS.Timeout | undefined;
  /** Appends, rotations and syncs, one after another. */
  let last: Promise<unknown> = Promise.resolve();

  const inTurn = <T>(action: () => Promise<T>): Promise<T> => {
    const done = last.then(action).catch((cause) => {
      throw asWriteError(cause, current === undefined ? folder : join(folder, fileOf(current.segment)));
    });
    last = done.catch(() => {});
    return done;
  };

  const start = async (): Promise<NonNullable<typeof current>> => {
    await mkdir(folder, { recursive: true });
    const segment = newSegment(writer, counter, Date.now());
    const path = join(folder, fileOf(segment));
    const file = await open(path, 'ax');
    try {
      if (sync !== 'never') await syncFolder(folder);
    } catch (cause) {
      await file.close();
      await unlink(path);
      throw cause;
    }
    counter++;
    aging = setTimeout(() => void inTurn(finish).catch(() => {}), rotate.seconds * SECOND).unref();
    return { segment, file, bytes: 0, isSynced: true };
  };

  /** Where that fails, the segment keeps its suffix, and the next start of a service finishes it. */
  const finish = async (): Promise<void> => {
    if (current === undefined) return;
    const { segment, file } = current;
    current = undefined;
    clearTimeout(aging);
    try {
      if (sync !== 'never') await file.sync();
    } finally {
      await file.close();
    }
    await rename(join(folder, fileOf(segment)), join(folder, segment.name));
    if (sync !== 'never') await syncFolder(folder);
  };

  /**
   * Cuts what was written in part. The next lines go into another segment: this one may have reached a limit. Where cutting fails
   * too, the next start of a service does it.
   */
  const undo = async (): Promise<void> => {
    if (current === undefined) return;
    const { file, bytes, segment } = current;
    try {
      await file.truncate(bytes);
      if (bytes > 0) return await finish();
      await file.close();
      await unlink(join(folder, fileOf(segment)));
      counter = segment.counter;
    } catch {
      await file.close().catch(() => {});
    }
    current = undefined;
    clearTimeout(aging);
  };

  const append = async (lines: readonly EventLine[]): Promise<void> => {
    if (lines.length === 0) return;
    current ??= await start();
    try {
      for (const part of joined(lines.map(({ bytes }) => bytes)))
        for (let at = 0; at < part.length; ) at += (await current.file.write(part, at)).bytesWritten;
      if (sync === 'always') await current.file.datasync();
    } catch (cause) {
      await undo();
      throw cause;
    }
    for (const { bytes } of lines) current.bytes += bytes.length;
    current.isSynced = sync === 'always';
    if (current.bytes >= rotate.bytes) await finish().catch(() => {}); // the lines are stored: they must not be appended again
  };

  const syncNow = async (): Promise<void> => {
    if (current === undefined || current.isSynced) return;
    await current.file.datasync();
    current.isSynced = true;
  };
  const syncing = sync === 'interval' && setInterval(() => void inTurn(syncNow).catch(() => {}), SYNC_MS).unref();

  return {
    append: (lines) => inTurn(() => append(lines)),
    async close() {
      if (syncing) clearInterval(syncing);
      await inTurn(finish);
    },
  };
}

/** Makes the names of new and renamed files durable, in another thread than that of requests. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
