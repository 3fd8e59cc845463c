/** One process that answers requests: its models, its server, its metrics. */

import { error } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { startSessionThread } from '../../runtime/session-thread.ts';
import { createEventLogger } from '../events/logger.ts';
import { createExperiments, type Experiments } from '../experiments/served.ts';
import { buildServer } from '../http/server.ts';
import type { Family } from '../metrics/metrics.ts';
import { createServerMetrics, lostLinesFamily } from '../metrics/server-metrics.ts';
import type { ArtifactStore } from '../models/artifact-store.ts';
import { createModels, type Models } from '../models/models.ts';
import type { Waiting } from '../ranker/graph-runner.ts';
import type { Coordinator } from './coordinator.ts';

export interface Answering {
  models: Models;
  experiments: Experiments;
  families(): Family[];
  /** Resolves to the port. Throws PORT_TAKEN. */
  listen(port?: number): Promise<number>;
  /** Takes no new connections, answers open requests for at most `seconds` (default: `drainSeconds`), then frees everything. */
  close(seconds?: number): Promise<void>;
}

export interface AnsweringOptions {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  /** Called when models, experiments and metrics exist. */
  coordinator: (process: Pick<Answering, 'models' | 'experiments' | 'families'>) => Coordinator;
  /** Called with an artifact that is no longer used. */
  onUnused?: ArtifactStore['release'];
}

/** Several processes keep the cores busy without threads. */
const ownThread = ({ ownThread, workers }: ServingConfig): boolean => ownThread ?? workers === 1;

export async function createAnswering({
  config,
  backend,
  coordinator,
  onUnused,
}: AnsweringOptions): Promise<Answering> {
  const metrics = createServerMetrics();
  const waiting: Waiting = {
    rows: 0,
    limit: config.limits.waitingRows,
    onBatch: (rows, requests) => metrics.addBatch(rows, requests),
  };
  const events = await createEventLogger(config);
  const thread = ownThread(config) ? startSessionThread(backend) : undefined;
  const models: Models = createModels({
    config,
    backend,
    waiting,
    createSession: thread?.createSession ?? createSession,
    experimentsOf: (label) => experiments.keysOf(label),
    checkReplacement: (ranker) => experiments.checkReplacement(ranker),
    onUnused,
  });
  const experiments: Experiments = createExperiments({ config, models, waiting });
  const families = (): Family[] => [
    ...metrics.families(waiting.rows),
    lostLinesFamily(),
    ...models.families(),
    ...experiments.families(),
    ...(events?.families() ?? []),
  ];
  let isReady = false;
  const app = await buildServer({
    config,
    models,
    metrics,
    events,
    experiments,
    coordinator: coordinator({ models, experiments, families }),
    isReady: () => isReady,
  });
  return {
    models,
    experiments,
    families,
    async listen(port = config.port) {
      const { host } = config;
      try {
        await app.listen({ host, port });
      } catch (cause) {
        throw error('PORT_TAKEN', { host, port, reason: (cause as Error).message }, cause);
      }
      isReady = true;
      const address = app.server.address();
      return typeof address === 'object' && address !== null ? address.port : port;
    },
    async close(seconds = config.drainSeconds) {
      isReady = false;
      // Connections that are kept alive close after their answer, not when their client closes them.
      const idle = setInterval(() => app.server.closeIdleConnections(), 20);
      const late = setTimeout(() => app.server.closeAllConnections(), seconds * 1000);
      await app.close();
      clearInterval(idle);
      clearTimeout(late);
      await experiments.close();
      await events?.close();
      await models.close();
      await thread?.close();
      metrics.close();
    },
  };
}
