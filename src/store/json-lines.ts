/** An append-only file of JSON lines: lines survive a kill, and the file can be truncated to a known length. */
import { createHash, type Hash } from 'node:crypto';
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { asWriteError, readText } from '../base/files.ts';
import { parseJson } from '../base/json.ts';

export interface JsonLines<Line extends object> {
  /** Length and SHA-256 of the file, for checkpoints. */
  readonly bytes: number;
  readonly sha256: string;
  /** Appends one line. It survives a kill of this process immediately, and a power cut after `sync`. */
  append(value: Line): void;
  sync(): void;
  close(): void;
}

/**
 * Truncates the file to `keepBytes` and opens it for appending.
 *
 * @param expected SHA-256 of the kept bytes, if known
 * @throws RUN_DAMAGED if it is shorter than that; CHECKSUM_MISMATCH, FILE_UNWRITABLE, DISK_FULL
 */
export function openJsonLines<Line extends object>(
  path: string,
  keepBytes: number,
  expected?: string,
): JsonLines<Line> {
  return attempt(path, () => {
    const file = openSync(path, 'a+');
    const found = fstatSync(file).size;
    if (found < keepBytes) {
      closeSync(file);
      throw error('RUN_DAMAGED', {
        path,
        problem: `it has ${found} bytes, the checkpoint was written after ${keepBytes}`,
      });
    }
    const hash = hashOf(file, keepBytes);
    const kept = hash.copy().digest('hex');
    if (expected !== undefined && kept !== expected) {
      closeSync(file);
      throw error('CHECKSUM_MISMATCH', { path, expected, found: kept, advice: ADVICE });
    }
    ftruncateSync(file, keepBytes);
    let bytes = keepBytes;
    return {
      get bytes() {
        return bytes;
      },
      get sha256() {
        return hash.copy().digest('hex');
      },
      append(value) {
        const line = Buffer.from(`${JSON.stringify(value)}\n`);
        attempt(path, () => {
          for (let at = 0; at < line.length; ) at += writeSync(file, line, at);
        });
        bytes += line.length;
        hash.update(line);
      },
      sync: () => attempt(path, () => fsyncSync(file)),
      close: () => closeSync(file),
    };
  });
}

const ADVICE = 'Restore it from a copy, or train again';

/** Hash of the first bytes of a file. */
function hashOf(file: number, length: number): Hash {
  const hash = createHash('sha256');
  const buffer = Buffer.alloc(Math.min(length, 1 << 20));
  for (let at = 0, read = -1; at < length && read !== 0; at += read) {
    read = readSync(file, buffer, 0, Math.min(buffer.length, length - at), at);
    hash.update(buffer.subarray(0, read));
  }
  return hash;
}

/**
 * The values of a file; none if there is no file. A last line that a kill truncated does not count.
 *
 * @throws RUN_DAMAGED, FILE_UNREADABLE
 */
export function readJsonLines(path: string): unknown[] {
  if (!existsSync(path)) return [];
  const lines = readText(path, 'JSON lines').split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return parseJson(line);
    } catch (cause) {
      throw error('RUN_DAMAGED', { path, problem: `line ${i + 1} is not JSON` }, cause);
    }
  });
}

function attempt<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (cause) {
    throw asWriteError(cause, path);
  }
}
