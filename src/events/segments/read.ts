/** Reads the events of a folder of segments, from a cursor on. */
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';
import type { StoredLines } from '../log.ts';
import { fileOf, listSegments, type Segment } from './names.ts';

/** By writer: the number of the segment to go on in, and the bytes of it that were read. */
const cursorSchema = z.record(z.string(), z.tuple([z.int().min(0), z.int().min(0)]));
type Cursor = z.output<typeof cursorSchema>;

/**
 * All lines of the finished segments and of those being written; segments in the order of their start. What is appended later
 * comes with the next call, from the last cursor on.
 *
 * @throws EVENT_CURSOR, FILE_MISSING, FILE_UNREADABLE
 */
export async function* linesFrom(folder: string, from?: string): AsyncGenerator<StoredLines> {
  const segments = listSegments(folder);
  const cursor = cursorOf(from);
  // Writers of which nothing is left are forgotten, so that cursors stay short.
  const writers = new Set(segments.map(({ writer }) => writer));
  for (const writer of Object.keys(cursor)) if (!writers.has(writer)) delete cursor[writer];
  for (const segment of segments) {
    const { writer, counter } = segment;
    const [next, read] = cursor[writer] ?? [0, 0];
    if (counter < next) continue;
    const start = counter === next ? read : 0;
    for await (const { lines, end } of linesOf(folder, segment, start)) {
      cursor[writer] = [counter, end];
      yield { lines, place: segment.name, cursor: JSON.stringify(cursor) };
    }
    if (!segment.isOpen) cursor[writer] = [counter + 1, 0];
  }
}

function cursorOf(text: string | undefined): Cursor {
  if (text === undefined) return {};
  try {
    return cursorSchema.parse(JSON.parse(text));
  } catch (cause) {
    throw error('EVENT_CURSOR', { found: text.slice(0, 100) }, cause);
  }
}

interface SegmentLines {
  lines: string[];
  /** Bytes of the segment up to the last of them. */
  end: number;
}

const CHUNK = 1 << 20;

/** Whole lines of a segment from byte `start` on, about a megabyte at once. A last line without its line break is left out. */
export async function* linesOf(folder: string, segment: Segment, start = 0): AsyncGenerator<SegmentLines> {
  const file = await openSegment(folder, segment);
  try {
    let rest = Buffer.alloc(0);
    for (let at = start; ; ) {
      const chunk = Buffer.allocUnsafe(CHUNK);
      const { bytesRead } = await file.read(chunk, 0, CHUNK, at);
      if (bytesRead === 0) return;
      at += bytesRead;
      const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
      const whole = bytes.lastIndexOf(10) + 1;
      rest = bytes.subarray(whole);
      if (whole > 0) yield { lines: bytes.toString('utf8', 0, whole - 1).split('\n'), end: at - rest.length };
    }
  } finally {
    await file.close();
  }
}

/** A segment may be finished, and so renamed, after the folder was listed. */
async function openSegment(folder: string, segment: Segment) {
  const path = join(folder, fileOf(segment));
  try {
    return await open(path, 'r').catch((cause) => {
      if (segment.isOpen && cause.code === 'ENOENT') return open(join(folder, segment.name), 'r');
      throw cause;
    });
  } catch (cause) {
    throw asReadError(cause, path, 'a segment of events');
  }
}
