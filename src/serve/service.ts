/** Serves artifacts over HTTP: in this process, or by several that this one looks after. */
import { type ServingInput, servingSchema } from '../config/serving.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import { createAnswering, type ServedArtifact } from './answering.ts';
import { startCluster } from './cluster.ts';
import { localCoordinator } from './coordinator.ts';
import type { ModelState } from './models.ts';

export interface ServiceOptions {
  artifacts: readonly ServedArtifact[];
  config?: ServingInput;
  backend?: SessionOptions['backend'];
  /** Told of workers that end and of those that cannot start. */
  onTrouble?: (message: string) => void;
}

export interface RunningService {
  host: string;
  port: number;
  models(): ModelState[];
  /** Answers what is open, then ends. */
  close(): Promise<void>;
}

/**
 * Starts to serve; resolves when requests are answered.
 *
 * @throws PORT_TAKEN, and what loadRanker throws
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { artifacts, backend, onTrouble = () => {} } = options;
  const config = servingSchema.parse(options.config ?? {});
  if (config.workers > 1) {
    const { port, list, close } = await startCluster({ artifacts, config, backend, onTrouble });
    return { host: config.host, port, models: list, close };
  }
  const answering = await createAnswering({ config, backend, coordinator: localCoordinator });
  try {
    await answering.load(artifacts);
    const port = await answering.listen();
    return { host: config.host, port, models: () => answering.models.list(), close: () => answering.close() };
  } catch (cause) {
    await answering.close();
    throw cause;
  }
}
