/** The newest lines of a folder of segments, without reading it all. */
import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { asReadError } from '../../base/files.ts';
import { fileOf, listSegments, type Segment } from './names.ts';

/**
 * Whole lines of the newest segments, oldest first, up to about `bytes` of them.
 *
 * @throws FILE_MISSING, FILE_UNREADABLE
 */
export function latestLines(folder: string, bytes: number): string[] {
  const found: string[][] = [];
  let left = bytes;
  for (const segment of listSegments(folder).toReversed()) {
    if (left <= 0) break;
    const { text, isWhole } = endOf(folder, segment, left);
    // The first line of a segment that is cut is not whole, nor is a last one that is being written.
    found.unshift(text.split('\n').slice(isWhole ? 0 : 1, -1));
    left -= Buffer.byteLength(text);
  }
  return found.flat();
}

/** The last bytes of a segment, or all. */
function endOf(folder: string, segment: Segment, bytes: number): { text: string; isWhole: boolean } {
  const path = join(folder, fileOf(segment));
  try {
    const file = openSync(path, 'r');
    try {
      const { size } = fstatSync(file);
      const buffer = Buffer.alloc(Math.min(size, bytes));
      const read = readSync(file, buffer, 0, buffer.length, size - buffer.length);
      return { text: buffer.toString('utf8', 0, read), isWhole: size <= bytes };
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    // Finished, and so renamed, since the folder was listed.
    if (segment.isOpen && (cause as NodeJS.ErrnoException).code === 'ENOENT')
      return endOf(folder, { ...segment, isOpen: false }, bytes);
    throw asReadError(cause, path, 'a segment of events');
  }
}

/** Changes whenever the newest segments do. */
export const segmentsStamp = (folder: string): string =>
  listSegments(folder)
    .slice(-8)
    .map((segment) => `${segment.name} ${statSync(join(folder, fileOf(segment)), { throwIfNoEntry: false })?.size}`)
    .join('\n');
