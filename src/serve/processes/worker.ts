/** The program of a worker process: answers requests, does what the primary process asks, and ends with it. */

import { createLink } from '../../base/link.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { AskedExperiments, ExperimentsState } from '../experiments/state.ts';
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

/** What a worker serves from now on. */
export interface WorkerLoad {
  served: ServedModel[];
  experiments: ExperimentsState;
}

/** What a worker prepares. */
export type WorkerChange = Change | TablesChange | { kind: 'experiments'; state: ExperimentsState };

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

async function pendingOf(change: WorkerChange): Promise<Pending> {
  const { models, experiments } = running();
  if (change.kind === 'experiments') return experiments.prepare(change.state);
  return change.kind === 'tables' ? models.prepareTables(change.tables) : models.prepare(change);
}

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
          changeExperiments: (asked: AskedExperiments) => link.ask<void>('experiments', asked, changeSeconds),
          families: () => link.ask<Family[]>('families', undefined, FAMILIES_SECONDS),
        }),
      });
    },
    alive: (): Beat => ({ folders: answering?.models.folders() ?? [] }),
    async load({ served, experiments: state }: WorkerLoad) {
      const { models, experiments } = running();
      await models.restore(served);
      experiments.prepare(state).commit();
    },
    listen: (port: number) => running().listen(port),
    async prepare(change: WorkerChange): Promise<ChangeReport> {
      prepared = await pendingOf(change);
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
