/** One process that answers: its models, its server, its numbers. */

import { error } from '../base/errors/index.ts';
import type { ServingConfig } from '../config/serving.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { startSessionThread } from '../runtime/session-thread.ts';
import type { Coordinator } from './coordinator.ts';
import type { Waiting } from './graph-runner.ts';
import type { Family } from './metrics/metrics.ts';
import { createServerMetrics } from './metrics/server-metrics.ts';
import { createModels, type Models } from './models.ts';
import { buildServer } from './server.ts';

/** An artifact to serve, by another name than its own where one is given, and the one before it. */
export interface ServedArtifact {
  name?: string;
  path: string;
  previous?: string;
}

export interface Answering {
  models: Models;
  families(): Family[];
  /** Loads and warms artifacts, each in place of the one of its name. */
  load(artifacts: readonly ServedArtifact[]): Promise<void>;
  /** Gives the port. Throws PORT_TAKEN. */
  listen(): Promise<number>;
  /** Takes no new connections, answers what is open for as long as `drainSeconds`, frees everything. */
  close(): Promise<void>;
}

export interface AnsweringOptions {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  /** Made once the models and numbers are there. */
  coordinator: (models: Models, families: () => Family[]) => Coordinator;
}

/** Several processes keep the cores busy as they are. */
const ownThread = ({ ownThread, workers }: ServingConfig): boolean => ownThread ?? workers === 1;

export async function createAnswering({ config, backend, coordinator }: AnsweringOptions): Promise<Answering> {
  const metrics = createServerMetrics();
  const waiting: Waiting = {
    rows: 0,
    limit: config.limits.waitingRows,
    onBatch: (rows, requests) => metrics.addBatch(rows, requests),
  };
  const thread = ownThread(config) ? startSessionThread(backend) : undefined;
  const models = createModels({ config, backend, waiting, createSession: thread?.createSession });
  const families = (): Family[] => [...metrics.families(waiting.rows), ...models.families()];
  let isReady = false;
  const app = await buildServer({
    config,
    models,
    metrics,
    coordinator: coordinator(models, families),
    isReady: () => isReady,
  });
  return {
    models,
    families,
    async load(artifacts) {
      for (const { name, path, previous } of artifacts)
        for (const folder of previous === undefined ? [path] : [previous, path])
          (await models.prepare({ kind: 'load', name, path: folder, force: true })).commit();
    },
    async listen() {
      const { host, port } = config;
      try {
        await app.listen({ host, port });
      } catch (cause) {
        throw error('PORT_TAKEN', { host, port, reason: (cause as Error).message }, cause);
      }
      isReady = true;
      const address = app.server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    },
    async close() {
      isReady = false;
      // Connections that are kept alive end with their answer, not with their client's patience.
      const idle = setInterval(() => app.server.closeIdleConnections(), 20);
      const late = setTimeout(() => app.server.closeAllConnections(), config.drainSeconds * 1000);
      await app.close();
      clearInterval(idle);
      clearTimeout(late);
      await models.close();
      await thread?.close();
      metrics.close();
    },
  };
}
