/** Serves artifacts over HTTP: in this process, or by several that this one looks after. */
import { onAbort } from '../../base/disposal.ts';
import { error } from '../../base/errors/index.ts';
import { canonicalJson } from '../../base/hash.ts';
import { type ServingConfig, type ServingInput, servingSchema } from '../../config/serving.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { backendOn } from '../../runtime/devices.ts';
import { type ExperimentsState, firstState, keepState, withArtifacts } from '../experiments/state.ts';
import { startRefreshing } from '../features/refreshing.ts';
import { shownTables, statesOf } from '../features/state.ts';
import { createFeatureStore, type FeatureStore } from '../features/store.ts';
import { reportTo } from '../http/log.ts';
import { type ArtifactStore, createArtifactStore } from '../models/artifact-store.ts';
import { type ModelState, type ServedModel, stateOf, withArtifact } from '../models/served.ts';
import { createAnswering } from './answering.ts';
import { startCluster } from './cluster.ts';
import { type Coordinator, localCoordinator, placesOf, storedArtifact } from './coordinator.ts';
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
  const { artifacts, onEvent = () => {}, signal } = options;
  const config = servingSchema.parse(options.config ?? {});
  const backend = backendOn(config.device, options.backend);
  const store = await createArtifactStore(config.cacheFolder);
  const features = await createFeatureStore(config);
  const report = reportTo(config);
  const removeAll = (): void => {
    features?.close();
    store.remove();
  };
  try {
    const first = firstState(config);
    const served = await withArms(
      await storedArtifacts(artifacts, store, features, onEvent),
      first.state,
      store,
      features,
    );
    const experiments = withArtifacts(first.state, placesOf(served.map(stateOf)));
    const start = config.workers > 1 ? startCluster : startHere;
    const { port, list, refresh, close } = await start({
      config,
      backend,
      store,
      features,
      served,
      experiments,
      keepExperiments: () => first.isKept || keepState(config.experimentsFile, experiments),
      onEvent,
    });
    if (first.isKept && isOther(config, experiments))
      onEvent({
        event: 'warning',
        message: `the experiments are those of ${config.experimentsFile}, at revision ${experiments.revision}; the configuration has others, which have no effect`,
      });
    const tables = served.flatMap(({ name, current }) => (current.tables ? statesOf(name, current.tables) : []));
    if (tables.length > 0) report('info', shownTables(tables));
    const refreshing = startRefreshing(config, refresh, report);
    for (const name of Object.keys(config.score))
      if (!served.some((model) => model.name === name))
        onEvent({
          event: 'warning',
          message: `score names ${name}, and no model of that name is served: it has no effect until one is`,
        });
    let closing: Promise<void> | undefined;
    const closeOnce = (): Promise<void> => {
      forget();
      refreshing?.stop();
      closing ??= close().then(removeAll);
      return closing;
    };
    const forget = onAbort(signal, () => void closeOnce());
    return { host: config.host, port, models: list, close: closeOnce, [Symbol.asyncDispose]: closeOnce };
  } catch (cause) {
    removeAll();
    throw cause;
  }
}

/** Private copies; of two artifacts by one name the second is served, and the first is the one before it. */
async function storedArtifacts(
  artifacts: readonly ServedArtifact[],
  store: ArtifactStore,
  features: FeatureStore | undefined,
  onEvent: (event: ServiceEvent) => void,
): Promise<ServedModel[]> {
  let served: ServedModel[] = [];
  for (const { name, path } of artifacts) {
    const artifact = await storedArtifact({ name, path }, store, features);
    const next = withArtifact(served, name ?? artifact.name, artifact);
    if (next.dropped !== undefined) {
      const { id, name: own } = next.dropped;
      const message = `${name ?? own}@${id} is not served: a name has two artifacts at most, the one that answers and the one before it; give it another name (NAME=DIR)`;
      onEvent({ event: 'warning', message });
      store.release(next.dropped);
    }
    served = next.served;
  }
  return served;
}

/** Does the configuration have other experiments than those in force? Coverage is left out: a ramp changes it. */
function isOther({ experiments: configured }: ServingConfig, { experiments }: ExperimentsState): boolean {
  const shown = (all: ServingConfig['experiments']): string =>
    canonicalJson(all.map(({ coverage: _, ...experiment }) => experiment));
  return configured.length > 0 && shown(configured) !== shown(experiments);
}

/**
 * Artifacts that were loaded while the service ran, and are arms of its experiments: a restart goes on with them.
 *
 * @throws EXPERIMENT_MODEL, and what storedArtifact throws
 */
async function withArms(
  served: ServedModel[],
  { artifacts, experiments }: ExperimentsState,
  store: ArtifactStore,
  features: FeatureStore | undefined,
): Promise<ServedModel[]> {
  let all = served;
  for (const { model, path } of artifacts) {
    const known = placesOf(all.map(stateOf)).map((place) => place.model);
    if (known.includes(model)) continue;
    const [name, id] = model.split('@');
    const same = all.find((each) => each.name === name);
    const missing = (): never => {
      const [key, arm] = experiments.flatMap((experiment) =>
        Object.entries(experiment.arms).flatMap(([arm, own]) => (own.model === model ? [[experiment.key, arm]] : [])),
      )[0];
      throw error('EXPERIMENT_MODEL', { key, arm, found: model, known, path });
    };
    if (same?.previous !== undefined) missing();
    const artifact = await storedArtifact({ name, path }, store, features);
    if (artifact.id !== id) missing();
    all =
      same === undefined
        ? [...all, { name, current: artifact }]
        : all.map((each) => (each === same ? { ...each, previous: artifact } : each));
  }
  return all;
}

/** In this process. */
async function startHere({ config, backend, store, features, served, ...start }: ServiceStart): Promise<Started> {
  const { experiments, keepExperiments } = start;
  let coordinator: Coordinator | undefined;
  const answering = await createAnswering({
    config,
    backend,
    coordinator(process) {
      const file = config.experimentsFile;
      coordinator = localCoordinator({ process, store, features, state: experiments, file });
      return coordinator;
    },
    onUnused: store.release,
  });
  try {
    await answering.models.restore(served);
    answering.experiments.prepare(experiments).commit();
    keepExperiments();
    const port = await answering.listen();
    const { refresh } = coordinator as unknown as Coordinator;
    return { port, list: () => answering.models.list(), refresh, close: () => answering.close() };
  } catch (cause) {
    await answering.close();
    throw cause;
  }
}
