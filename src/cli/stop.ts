/** Ctrl-C and SIGTERM: only this room listens to them. */

/** Calls back at the first SIGINT or SIGTERM; the second one ends the process at once. */
export function onStopSignal(callback: () => void): () => void {
  const signals = ['SIGINT', 'SIGTERM'] as const;
  const forget = (): void => signals.forEach((signal) => void process.off(signal, listen));
  let asked = false;
  const listen = (signal: NodeJS.Signals): void => {
    if (asked) {
      forget();
      process.kill(process.pid, signal);
    } else callback();
    asked = true;
  };
  for (const signal of signals) process.on(signal, listen);
  return forget;
}
