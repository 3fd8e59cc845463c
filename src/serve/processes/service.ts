/** Serves artifacts over HTTP: in this process, or by several that this one looks after. */
import { onAbort } from '../../base/disposal.ts';
import { type ServingInput, servingSchema } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { type ArtifactStore, createArtifactStore } from '../models/artifact-store.ts';
import { type ModelState, type ServedModel, withArtifact } from '../models/served.ts';
import { createAnswering } from './answering.ts';
import { startCluster } from './cluster.ts';
import { localCoordinator } from './coordinator.ts';
import type { ServiceEvent, ServiceStart, Started } from './start.ts';

/** An artifact to serve, by another name than its own where one is given. */
export interface ServedArtifact {
  name?: string;
  path: string;
}

export interface ServiceOptions {
  artifacts: readonly ServedArtifact[];
  config?: ServingInput;
  backend?: SessionOptions['backend'];
  onEvent?: (event: ServiceEvent) => void;
  /** Closes the service when aborted. */
  signal?: AbortSignal;
}

/** Disposing closes it. */
export interface RunningService extends AsyncDisposable {
  host: string;
  port: number;
  models(): ModelState[];
  /** Answers what is open, for `drainSeconds` at most, then ends and removes the private copies of the artifacts. */
  close(): Promise<void>;
}

/**
 * Starts to serve; resolves when requests are answered.
 *
 * @throws PORT_TAKEN, and what copyArtifact and createRanker throw
 */
export async function startService(options: ServiceOptions): Promise<RunningService> {
  const { artifacts, backend, onEvent = () => {}, signal } = options;
  const config = servingSchema.parse(options.config ?? {});
  const store = await createArtifactStore(config.cacheFolder);
  try {
    const served = await storedArtifacts(artifacts, store);
    const start = config.workers > 1 ? startCluster : startHere;
    const { port, list, close } = await start({ config, backend, store, served, onEvent });
    for (const name of Object.keys(config.score))
      if (!served.some((model) => model.name === name))
        onEvent({
          event: 'warning',
          message: `score names ${name}, and no model of that name is served: it has no effect until one is`,
        });
    let closing: Promise<void> | undefined;
    const closeOnce = (): Promise<void> => {
      forget();
      closing ??= close().then(() => store.remove());
      return closing;
    };
    const forget = onAbort(signal, () => void closeOnce());
    return { host: config.host, port, models: list, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
  } catch (cause) {
    store.remove();
    throw cause;
  }
}

/** Private copies; of two artifacts by one name the second is served, and the first is the one before it. */
async function storedArtifacts(artifacts: readonly ServedArtifact[], store: ArtifactStore): Promise<ServedModel[]> {
  let served: ServedModel[] = [];
  for (const { name, path } of artifacts) {
    const artifact = await store.keep(path);
    const next = withArtifact(served, name ?? artifact.name, artifact);
    if (next.dropped !== undefined) store.release(next.dropped);
    served = next.served;
  }
  return served;
}

/** In this process. */
async function startHere({ config, backend, store, served }: ServiceStart): Promise<Started> {
  const answering = await createAnswering({
    config,
    backend,
    coordinator: (models, families) => localCoordinator(models, families, store),
    onUnused: store.release,
  });
  try {
    await answering.models.restore(served);
    const port = await answering.listen();
    return { port, list: () => answering.models.list(), close: () => answering.close() };
  } catch (cause) {
    await answering.close();
    throw cause;
  }
}
