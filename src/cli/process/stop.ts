/** Ctrl-C and SIGTERM: only this room listens to them. */
import { noteProcess } from './notes.ts';
import { isOneOfRanks } from './ranks.ts';

/** Calls back at the first SIGINT or SIGTERM; the second one ends the process at once. */
export function onStopSignal(callback: () => void): () => void {
  noteProcess();
  let asked: number | undefined;
  const forget = onStopSignals((signal) => {
    // Ranks may get the same Ctrl-C twice: from the terminal, and from a launcher that passes it on.
    if (asked !== undefined && isOneOfRanks() && performance.now() - asked < 1000) return;
    if (asked !== undefined) {
      forget();
      process.kill(process.pid, signal);
    } else callback();
    asked = performance.now();
  });
  return forget;
}

/** Calls back at each signal that asks for an end, and at `more`. Returns what stops listening. */
export function onStopSignals(callback: (signal: NodeJS.Signals) => void, ...more: NodeJS.Signals[]): () => void {
  // Open MPI passes SIGUSR2 on to ranks; at SIGINT and SIGTERM it kills them within a second.
  const signals: NodeJS.Signals[] = ['SIGINT', 'SIGTERM', ...(isOneOfRanks() ? (['SIGUSR2'] as const) : []), ...more];
  for (const signal of signals) process.on(signal, callback);
  return () => signals.forEach((signal) => void process.off(signal, callback));
}
