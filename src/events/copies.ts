/** A log as files of lines on this machine: a database reads no servers, and no segments that grow meanwhile. */
import { closeSync, openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../base/files.ts';
import type { EventLog } from './log.ts';

/** Of a log that becomes one file. */
const FILE_BYTES = 1e9;

interface Copy {
  path: string;
  bytes: number;
  /** Behind its lines. */
  cursor: string;
}

/**
 * Writes the lines from a cursor on, or all, to a file of `work`; each next one overwrites it.
 *
 * @throws DISK_FULL, FILE_UNWRITABLE, and what `EventLog.lines` throws
 */
export async function* copiesOf(log: Pick<EventLog, 'lines'>, work: string, from?: string): AsyncGenerator<Copy> {
  const path = join(work, 'lines.jsonl');
  let file: number | undefined;
  let [bytes, cursor] = [0, ''];
  const finish = (): Copy => {
    if (file !== undefined) closeSync(file);
    file = undefined;
    return { path, bytes, cursor };
  };
  try {
    for await (const stored of log.lines(from)) {
      file ??= openSync(path, 'w');
      const text = Buffer.from(`${stored.lines.join('\n')}\n`);
      writeFileSync(file, text);
      bytes += text.length;
      cursor = stored.cursor;
      if (bytes < FILE_BYTES) continue;
      yield finish();
      bytes = 0;
    }
    if (bytes > 0) yield finish();
  } catch (cause) {
    throw asWriteError(cause, path);
  } finally {
    if (file !== undefined) closeSync(file);
  }
}
