/** Ends of what has a beginning: abort signals, and `await using`. */

/** Calls back when the signal is aborted, at once if it is already. Returns what stops listening. */
export function onAbort(signal: AbortSignal | undefined, callback: () => void): () => void {
  if (signal === undefined) return () => {};
  if (signal.aborted) callback();
  else signal.addEventListener('abort', callback, { once: true });
  return () => signal.removeEventListener('abort', callback);
}

/** Work that runs in the background until it is finished or stopped. */
export interface Handle<End> extends AsyncDisposable {
  /** How the work ended; rejects with the error that ended it. */
  finished: Promise<End>;
  /** Asks for an end, with what is needed to continue another time. Disposing also waits for that end. */
  stop(): void;
}

/** A handle that `signal` stops as `stop` does. */
export function createHandle<End>(
  finished: Promise<End>,
  stop: () => void,
  signal: AbortSignal | undefined,
): Handle<End> {
  const forget = onAbort(signal, stop);
  const settled = finished.then(forget, forget);
  return {
    finished,
    stop,
    async [Symbol.asyncDispose]() {
      stop();
      await settled;
    },
  };
}

/** Makes `await using` call `close`: spread it into an object that has one. */
export const closable = {
  async [Symbol.asyncDispose](this: { close(): Promise<void> }): Promise<void> {
    await this.close();
  },
};

/** Waits for `done`, but at most `milliseconds`. */
export async function within(done: Promise<unknown>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([done, late]);
  clearTimeout(timer);
}
