/**
 * Limits the lines of the log about refused requests, which any client can cause: the first of a code in each second have a
 * line, the others are counted in one more.
 */

const SECOND_MS = 1000;

export interface RefusalLog {
  add(code: string, write: () => void): void;
  /** Reports what was left out since the last report. */
  close(): void;
}

/** `lines`: lines of a code in a second. `onLeftOut` is called for each second and code with more. */
export function createRefusalLog(lines: number, onLeftOut: (code: string, count: number) => void): RefusalLog {
  const codes = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;
  const flush = (): void => {
    for (const [code, count] of codes) if (count > lines) onLeftOut(code, count - lines);
    codes.clear();
    clearTimeout(timer);
    timer = undefined;
  };
  return {
    add(code, write) {
      timer ??= setTimeout(flush, SECOND_MS).unref();
      const count = (codes.get(code) ?? 0) + 1;
      codes.set(code, count);
      if (count <= lines) write();
    },
    close: flush,
  };
}
