/** Carries out what concerns all processes of a service: changes of models, and the sum of their metrics. */
import { error } from '../../base/errors/index.ts';
import type { Experiments } from '../experiments/served.ts';
import {
  type AskedExperiments,
  changedState,
  type ExperimentsState,
  keepState,
  withArtifacts,
} from '../experiments/state.ts';
import { type Refreshed, refreshed } from '../features/state.ts';
import type { FeatureStore, ServedTables } from '../features/store.ts';
import type { Family } from '../metrics/metrics.ts';
import type { ArtifactStore, StoredArtifact } from '../models/artifact-store.ts';
import { type ShownReport, shownReport } from '../models/changes.ts';
import type { Change, Models } from '../models/models.ts';
import type { ModelState } from '../models/served.ts';

/** A requested change: the artifact is not copied yet. */
export type AskedChange =
  | { kind: 'load'; name?: string; path: string; within?: string; force?: boolean }
  | { kind: 'rollback'; name: string; force?: boolean };

/** The result of a change: the new state of the model, and what that means for clients. */
export interface Changed extends ShownReport {
  model: ModelState;
}

export interface Coordinator {
  /** One change at a time. Throws SWAP_RUNNING, and what copyArtifact and Models.prepare throw; then nothing has changed. */
  change(change: AskedChange): Promise<Changed>;
  /** Reads the tables of features anew. Throws SWAP_RUNNING, FEATURES_OFF, and what build throws; then nothing has changed. */
  refresh(): Promise<Refreshed>;
  /**
   * Other experiments, kept before they are in force. Throws SWAP_RUNNING, and what changedState, Experiments.prepare and keepState throw;
   * then nothing has changed.
   */
  changeExperiments(asked: AskedExperiments): Promise<void>;
  families(): Promise<Family[]>;
}

/** What a coordinator in the same process needs. */
export interface LocalOptions {
  process: { models: Models; experiments: Experiments; families(): Family[] };
  store: ArtifactStore;
  features: FeatureStore | undefined;
  state: ExperimentsState;
  /** Keeps the experiments. */
  file: string | undefined;
}

/** The coordinator of a service in one process. */
export function localCoordinator({ process, store, features, file, ...start }: LocalOptions): Coordinator {
  const { models, experiments, families } = process;
  let { state } = start;
  let isRunning = false;
  const alone = async <T>(step: () => Promise<T>): Promise<T> => {
    if (isRunning) throw error('SWAP_RUNNING', {});
    isRunning = true;
    try {
      return await step();
    } finally {
      isRunning = false;
    }
  };
  return {
    change: (asked) =>
      alone(async () => {
        const prepared = await models.prepare(await storedChange(asked, store, features));
        return { model: prepared.commit(), ...shownReport([prepared.report]) };
      }),
    refresh: () =>
      alone(() =>
        refreshTables(features, models.tables(), async (tables) => {
          const pending = await models.prepareTables(tables);
          return async () => void pending.commit();
        }),
      ),
    changeExperiments: (asked) =>
      alone(async () => {
        const next = withArtifacts(changedState(state, asked), placesOf(models.list()));
        const pending = experiments.prepare(next);
        keepState(file, next);
        state = next;
        pending.commit();
      }),
    families: async () => [...families(), ...(features?.families() ?? [])],
  };
}

/**
 * Reads tables anew and puts them into use.
 *
 * @param prepare loads them in all processes; what it gives makes all of them use them
 * @throws FEATURES_OFF, and what `prepare` and build throw
 */
export async function refreshTables(
  features: FeatureStore | undefined,
  before: readonly ServedTables[],
  prepare: (tables: readonly ServedTables[]) => Promise<() => Promise<void>>,
): Promise<Refreshed> {
  if (features === undefined) throw error('FEATURES_OFF', undefined);
  try {
    const next = await features.refresh(before);
    features.addOutcome(next === undefined ? 'unchanged' : 'refreshed');
    if (next === undefined) return { ...refreshed(before, before), changed: false };
    try {
      await (await prepare(next.tables))();
    } catch (cause) {
      next.abort();
      throw cause;
    }
    next.commit();
    return refreshed(next.tables, before);
  } catch (cause) {
    features.addOutcome('failed');
    throw cause;
  }
}

/** Where the artifacts that are served came from. */
export const placesOf = (models: readonly ModelState[]): { model: string; path: string }[] =>
  models.flatMap(({ name, current, previous }) =>
    [current, previous].flatMap((artifact) =>
      artifact === undefined ? [] : [{ model: `${name}@${artifact.id}`, path: artifact.path }],
    ),
  );

/** The change with a private copy of its artifact, which the caller must release, and the tables for it. */
export async function storedChange(
  asked: AskedChange,
  store: ArtifactStore,
  features: FeatureStore | undefined,
): Promise<Change> {
  if (asked.kind === 'rollback') return asked;
  const { path, within, ...rest } = asked;
  return { ...rest, artifact: await storedArtifact({ name: rest.name, path }, store, features, within) };
}

/** A private copy, and the tables for it. */
export async function storedArtifact(
  { name, path }: { name?: string; path: string },
  store: ArtifactStore,
  features: FeatureStore | undefined,
  within?: string,
): Promise<StoredArtifact> {
  const artifact = await store.keep(path, within);
  if (features === undefined) return artifact;
  try {
    const { folder } = artifact;
    return { ...artifact, tables: await features.tablesFor({ name: name ?? artifact.name, folder }) };
  } catch (cause) {
    store.release(artifact);
    throw cause;
  }
}
