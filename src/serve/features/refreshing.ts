/** Reads tables anew from time to time. */
import { TributaryError } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { Report } from '../http/log.ts';
import { type Refreshed, shownTables } from './state.ts';

/** After a change of models that was running at the time of a refresh. */
const AGAIN_MS = 1000;

/** Undefined where tables are not read anew by themselves. */
export function startRefreshing(
  { features }: ServingConfig,
  refresh: () => Promise<Refreshed>,
  report: Report,
): { stop(): void } | undefined {
  const pause = (features?.refreshSeconds ?? 0) * 1000;
  if (pause === 0) return undefined;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  const next = (after: number): void => {
    if (!isStopped) timer = setTimeout(run, after).unref();
  };
  const run = async (): Promise<void> => {
    try {
      const { changed, tables } = await refresh();
      if (changed) report('info', shownTables(tables));
    } catch (cause) {
      if (isStopped) return;
      if (cause instanceof TributaryError && cause.code === 'SWAP_RUNNING') return next(Math.min(AGAIN_MS, pause));
      report('warn', `tables of features stay as they were: ${(cause as Error).message}`);
    }
    next(pause);
  };
  next(pause);
  return {
    stop() {
      isStopped = true;
      clearTimeout(timer);
    },
  };
}
