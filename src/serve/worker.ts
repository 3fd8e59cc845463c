/** The program of a worker process: does what the primary process asks, answers requests, goes when the primary goes. */

import { createLink } from '../base/link.ts';
import type { ServingConfig } from '../config/serving.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { type Answering, createAnswering, type ServedArtifact } from './answering.ts';
import type { Family } from './metrics/metrics.ts';
import type { Change, ModelState, Prepared } from './models.ts';

export interface WorkerStart {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
}

let answering: Answering;
let prepared: Prepared | undefined;

const link = createLink(process, {
  async start({ config, backend }: WorkerStart) {
    answering = await createAnswering({
      config,
      backend,
      coordinator: () => ({
        change: (change) => link.ask<ModelState>('change', change),
        families: () => link.ask<Family[]>('families'),
      }),
    });
  },
  load: (artifacts: ServedArtifact[]) => answering.load(artifacts),
  list: () => answering.models.list(),
  listen: () => answering.listen(),
  async prepare(change: Change) {
    prepared = await answering.models.prepare(change);
  },
  commit: () => prepared?.commit(),
  abort: () => prepared?.abort(),
  families: () => answering.families(),
  async close() {
    await answering.close();
    setImmediate(() => process.disconnect?.());
  },
});

// The terminal sends its signals to all processes; the primary decides when this one is done.
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {});
process.on('disconnect', () => void answering?.close().finally(() => process.exit(0)));
await link.ask('listening');
