/**
 * Writes the log to stderr. A full disk, a closed pipe or a reader that stopped reading must neither end nor block the service:
 * lines that cannot be written are dropped and counted.
 */
import type { ServingConfig } from '../../config/serving.ts';

/** Bytes that may wait for a reader; further lines are lost. */
const MOST_WAITING_BYTES = 1024 * 1024;

let lost = 0;
let notReported = 0;
let isWatched = false;

/** A stream for loggers. `write` takes a whole line with its newline and never throws. */
export const logStream = {
  write(line: string): void {
    const { stderr } = process;
    // Without a listener a failed write ends the process. The callback counts it.
    if (!isWatched) stderr.on('error', () => {});
    isWatched = true;
    if (stderr.writableLength > MOST_WAITING_BYTES) {
      lose(0);
      return;
    }
    const before = notReported;
    notReported = 0;
    // Begins with a newline: the first lost line may have been written in part.
    const notice = before === 0 ? '' : `\n${lineOf('warn', `${before} lines of this log were lost`)}`;
    try {
      stderr.write(notice + line, (cause) => {
        if (cause) lose(before);
      });
    } catch {
      lose(before);
    }
  },
};

/** Writes a message in the format of the server's log. */
export const logMessage = (level: keyof typeof LEVELS, message: string): void =>
  logStream.write(lineOf(level, message));

/** Writes messages of a service, as far as its log has their level. */
export type Report = typeof logMessage;

export function reportTo({ log: { level: least } }: ServingConfig): Report {
  const from = least === 'silent' ? Number.POSITIVE_INFINITY : least === 'debug' ? 0 : LEVELS[least];
  return (level, message) => {
    if (LEVELS[level] >= from) logMessage(level, message);
  };
}

/** Resolves when all lines have been written, or after `milliseconds` where the reader stopped reading. */
export const logIsWritten = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(resolve, milliseconds);
    process.stderr.write('', () => {
      clearTimeout(late);
      resolve();
    });
  });

/** Lines lost since the process began. */
export const lostLines = (): number => lost;

/** Those of pino. */
const LEVELS = { info: 30, warn: 40, error: 50 } as const;

const lineOf = (level: keyof typeof LEVELS, msg: string): string =>
  `${JSON.stringify({ level: LEVELS[level], time: Date.now(), pid: process.pid, msg })}\n`;

/** Counts one more lost line. `before`: lines lost before it whose notice was lost with it. */
function lose(before: number): void {
  lost++;
  notReported += before + 1;
}
