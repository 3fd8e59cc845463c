/** A file of JSON lines that only grows: what is written stays after a kill, and can be cut back to a known length. */
import { closeSync, existsSync, fstatSync, fsyncSync, ftruncateSync, openSync, writeSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { asWriteError, readText } from '../base/files.ts';

export interface JsonLines {
  /** Length of the file: what a checkpoint records. */
  readonly bytes: number;
  /** Appends one line; it outlives this process at once, and the machine's failure after `sync`. */
  append(value: object): void;
  sync(): void;
  close(): void;
}

/**
 * Opens the file for appending, after cutting it back to `keepBytes`.
 *
 * @throws RUN_DAMAGED when it is shorter than that; FILE_UNWRITABLE, DISK_FULL
 */
export function openJsonLines(path: string, keepBytes: number): JsonLines {
  return attempt(path, () => {
    const file = openSync(path, 'a');
    const found = fstatSync(file).size;
    if (found < keepBytes) {
      closeSync(file);
      throw error('RUN_DAMAGED', {
        path,
        problem: `it has ${found} bytes, the checkpoint was written after ${keepBytes}`,
      });
    }
    ftruncateSync(file, keepBytes);
    let bytes = keepBytes;
    return {
      get bytes() {
        return bytes;
      },
      append(value) {
        const line = Buffer.from(`${JSON.stringify(value)}\n`);
        attempt(path, () => {
          for (let at = 0; at < line.length; ) at += writeSync(file, line, at);
        });
        bytes += line.length;
      },
      sync: () => attempt(path, () => fsyncSync(file)),
      close: () => closeSync(file),
    };
  });
}

/**
 * The values of a file; none where there is no file. A last line that a kill cut short does not count.
 *
 * @throws RUN_DAMAGED, FILE_UNREADABLE
 */
export function readJsonLines(path: string): unknown[] {
  if (!existsSync(path)) return [];
  const lines = readText(path, 'JSON lines').split('\n').slice(0, -1);
  return lines.map((line, i) => {
    try {
      return JSON.parse(line);
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
