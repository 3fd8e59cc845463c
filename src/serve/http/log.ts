/**
 * Lines of the log on stderr. A full disk, a closed pipe or a reader that reads nothing must not end or hold the service:
 * lines that cannot be written are counted instead.
 */

/** What may wait for a reader; beyond it lines are lost. */
const MOST_WAITING_BYTES = 1024 * 1024;

let lost = 0;
let notReported = 0;
let isWatched = false;

/** Writes a whole line with its end, for loggers that take a stream. Never throws. */
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
    // The first lost line may have left a part of itself in the file.
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

/** Writes a message as the server's own lines are written. */
export const logMessage = (level: keyof typeof LEVELS, message: string): void =>
  logStream.write(lineOf(level, message));

/** Resolves when all lines have been written, or after so many milliseconds: a reader that stopped reading holds nobody. */
export const logIsWritten = (milliseconds: number): Promise<void> =>
  new Promise((resolve) => {
    const late = setTimeout(resolve, milliseconds);
    process.stderr.write('', () => {
      clearTimeout(late);
      resolve();
    });
  });

/** Lines that could not be written since the process began. */
export const lostLines = (): number => lost;

/** As pino has them. */
const LEVELS = { info: 30, warn: 40, error: 50 } as const;

const lineOf = (level: keyof typeof LEVELS, msg: string): string =>
  `${JSON.stringify({ level: LEVELS[level], time: Date.now(), pid: process.pid, msg })}\n`;

/** One line more, and `before` that were lost before it and are still to be reported. */
function lose(before: number): void {
  lost++;
  notReported += before + 1;
}
