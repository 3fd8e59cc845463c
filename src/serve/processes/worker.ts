/** The program of a worker process: answers requests, does what the primary process asks, and ends with it. */

import { createLink } from '../../base/link.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { Refreshed } from '../features/state.ts';
import { logIsWritten } from '../http/log.ts';
import type { Family } from '../metrics/metrics.ts';
import type { ChangeReport } from '../models/changes.ts';
import type { Change, Pending, TablesChange } from '../models/models.ts';
import type { ServedModel } from '../models/served.ts';
import type { Answering } from './answering.ts';
import type { Changed } from './coordinator.ts';

export interface WorkerStart {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
}

/** The answer of a worker that is alive. */
export interface Beat {
  /** Private copies that it uses or is about to use. */
  folders: string[];
}

/** For the metrics of all processes: the primary asks each worker meanwhile. */
const FAMILIES_SECONDS = 10;

let answering: Answering | undefined;
let drainSeconds = 0;
let prepared: Pending | undefined;

const running = (): Answering => {
  if (answering === undefined) throw new Error('the worker has not been started');
  return answering;
};

const link = createLink(
  process,
  {
    async start({ config, backend }: WorkerStart) {
      const { workers, loadSeconds } = config;
      drainSeconds = config.drainSeconds;
      // Workers load one after the other, and one of them may be replaced.
      const changeSeconds = (workers + 1) * loadSeconds;
      // Imported here, so that the primary hears from this process before its code is loaded.
      const { createAnswering } = await import('./answering.ts');
      answering = await createAnswering({
        config,
        backend,
        coordinator: () => ({
          change: (asked) => link.ask<Changed>('change', asked, changeSeconds),
          refresh: () => link.ask<Refreshed>('refresh', undefined, changeSeconds),
          families: () => link.ask<Family[]>('families', undefined, FAMILIES_SECONDS),
        }),
      });
    },
    alive: (): Beat => ({ folders: answering?.models.folders() ?? [] }),
    load: (served: ServedModel[]) => running().models.restore(served),
    listen: (port: number) => running().listen(port),
    async prepare(change: Change | TablesChange): Promise<ChangeReport> {
      const { models } = running();
      prepared = change.kind === 'tables' ? await models.prepareTables(change.tables) : await models.prepare(change);
      return prepared.report;
    },
    commit() {
      const change = prepared;
      prepared = undefined;
      if (change === undefined) throw new Error('there is nothing to commit');
      change.commit();
    },
    async abort() {
      const change = prepared;
      prepared = undefined;
      await change?.abort();
    },
    families: () => running().families(),
    async close(seconds: number) {
      await running().close(seconds);
      setImmediate(() => process.disconnect?.());
    },
  },
  { peer: 'the process that looks after the workers', seconds: 30 },
);

// A terminal sends its signals to all processes; the primary decides when this one ends.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => {
  const end = (): never => process.exit(0);
  // No primary is left to kill a worker that cannot close.
  setTimeout(end, (drainSeconds + 5) * 1000).unref();
  if (answering === undefined) end();
  else
    void answering
      .close()
      .finally(() => logIsWritten(500))
      .finally(end);
});
await link.ask('listening');
