/**
 * Lines about refused requests. Whoever sends requests that are refused writes into the log, so lines are few: the first ones
 * of a code in each second, then one that says how many are left out.
 */

const SECOND_MS = 1000;

export interface RefusalLog {
  add(code: string, write: () => void): void;
  /** Says what is left out. */
  close(): void;
}

/** `lines`: of one code and second. `onLeftOut` is called once for a second in which there were more. */
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
