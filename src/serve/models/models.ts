/**
 * The models of a process, by name. A request keeps the ranker that it began with until it is answered. A replaced ranker is
 * kept for a rollback; it is closed when it is replaced again and its last request is answered. Changes have two steps, prepare
 * and commit, so that all processes change or none does.
 */
import { error, TributaryError } from '../../base/errors/index.ts';
import type { ServingConfig } from '../../config/serving.ts';
import type { CreateSession } from '../../inference/serving/artifact.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { ServedTables } from '../features/store.ts';
import { createFileCache } from '../features/tables.ts';
import type { Family } from '../metrics/metrics.ts';
import { tableFamilies } from '../metrics/table-metrics.ts';
import type { RankRequest } from '../ranker/contract.ts';
import type { Waiting } from '../ranker/graph-runner.ts';
import { createRanker } from '../ranker/ranker.ts';
import type { ServedRanker } from '../ranker/ranker-contract.ts';
import { warmRequests } from '../ranker/warm.ts';
import type { ArtifactStore, StoredArtifact } from './artifact-store.ts';
import { type ChangeReport, changesOf, comparedValues } from './changes.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import type { ArtifactState, ModelState, ServedModel } from './served.ts';

/** A change of the models served. `force`: change even if recorded requests fail. */
export type Change =
  | { kind: 'load'; name?: string; artifact: StoredArtifact; force?: boolean }
  | { kind: 'rollback'; name: string; force?: boolean };

/** Other tables for models that are served. */
export interface TablesChange {
  kind: 'tables';
  tables: readonly ServedTables[];
}

export interface Models {
  /** The ranker of `name`, `name@id`, or of the first model. Call `done` when the request is answered. Throws MODEL_NOT_SERVED. */
  use(model?: string): { ranker: ServedRanker; recorder: Recorder; done: () => void };
  list(): ModelState[];
  /** `name@id` of all artifacts that requests can name. */
  labels(): string[];
  /** Serves exactly these models, each with its previous artifact. What is loaded already is not loaded again. */
  restore(models: readonly ServedModel[]): Promise<void>;
  /** Loads, verifies and warms, and tries recorded requests; no client sees the change yet. */
  prepare(change: Change): Promise<Prepared>;
  /** Loads tables; no request uses them yet. */
  prepareTables(tables: readonly ServedTables[]): Promise<Pending>;
  /** The tables of all models, those before a rollback included. */
  tables(): ServedTables[];
  /** The artifacts that are served, and those kept for a rollback. */
  served(): { name: string; folder: string }[];
  /** Folders of the private copies in use, also by open requests alone. */
  folders(): string[];
  families(): Family[];
  close(): Promise<void>;
}

/** A change that is ready. */
export interface Pending {
  report: ChangeReport;
  /** Takes effect immediately. */
  commit(): unknown;
  abort(): Promise<void>;
}

export interface Prepared extends Pending {
  name: string;
  /** Returns the new state of the model. */
  commit(): ModelState;
}

export interface ModelsOptions {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  waiting: Waiting;
  createSession: CreateSession;
  /** Keys of the experiments of which an artifact (`name@id`) is an arm: it stays loaded. Default: none. */
  experimentsOf?: (label: string) => string[];
  /** Throws where a ranker cannot become what its name stands for. Default: all can. */
  checkReplacement?: (ranker: ServedRanker) => void;
  /** Called when an artifact given to `prepare` or `restore` is no longer used. */
  onUnused?: ArtifactStore['release'];
}

/** A ranker and the number of its users: slots and open requests. */
interface Held {
  artifact: StoredArtifact;
  ranker: ServedRanker;
  holders: number;
}

interface Slot {
  current: Held;
  previous?: Held;
  recorder: Recorder;
}

export function createModels({
  config,
  experimentsOf = () => [],
  checkReplacement = () => {},
  onUnused = () => {},
  ...shared
}: ModelsOptions): Models {
  const slots = new Map<string, Slot>();
  const openFile = createFileCache();
  /** Loaded, or being loaded. */
  const inUse: StoredArtifact[] = [];

  const leave = (artifact: StoredArtifact): void => {
    const at = inUse.indexOf(artifact);
    if (at < 0) return;
    inUse.splice(at, 1);
    onUnused(artifact);
  };

  /** Loads and warms an artifact; the caller is its first holder. */
  const open = async (name: string | undefined, artifact: StoredArtifact): Promise<Held> => {
    inUse.push(artifact);
    try {
      const { folder, source, id, tables } = artifact;
      const ranker = await createRanker(folder, { name, source, config, tables, openFile, ...shared });
      try {
        if (ranker.manifest.id !== id) throw error('SWAP_FAILED', { reason: `${folder} does not hold ${id}` });
        for (const request of warmRequests(ranker.manifest)) await ranker.warm(request);
      } catch (cause) {
        await ranker.close();
        throw cause;
      }
      return { artifact, ranker, holders: 1 };
    } catch (cause) {
      leave(artifact);
      throw cause;
    }
  };

  const release = async (held: Held | undefined): Promise<void> => {
    if (held === undefined) return;
    held.holders--;
    if (held.holders > 0) return;
    await held.ranker.close();
    leave(held.artifact);
  };

  const find = (model: string | undefined): { slot: Slot; held: Held } => {
    if (model === undefined) {
      const first = slots.values().next().value;
      if (first !== undefined) return { slot: first, held: first.current };
    }
    const [name, id] = (model ?? '').split('@', 2);
    const slot = slots.get(name);
    const held =
      id === undefined
        ? slot?.current
        : [slot?.current, slot?.previous].find((known) => known?.ranker.manifest.id === id);
    if (slot === undefined || held === undefined)
      throw error('MODEL_NOT_SERVED', { found: (model ?? '').slice(0, 256), known: known(slots) });
    return { slot, held };
  };

  const prepareLoad = async ({ name, artifact, force }: Extract<Change, { kind: 'load' }>): Promise<Prepared> => {
    const held = await open(name, artifact);
    const { ranker } = held;
    try {
      const replaced = slots.get(ranker.name);
      const dropped = replaced?.previous?.ranker.label;
      const keys = dropped === undefined || dropped === ranker.label ? [] : experimentsOf(dropped);
      if (dropped !== undefined && keys.length > 0) throw error('MODEL_IN_EXPERIMENT', { model: dropped, keys });
      if (replaced !== undefined) checkReplacement(ranker);
      const { report, reason } = await tried(ranker, replaced);
      if (reason !== undefined && !force)
        throw error('ARTIFACT_UNFIT', { path: ranker.folder, ...counts(report), reason });
      return {
        name: ranker.name,
        report,
        commit() {
          const slot = slots.get(ranker.name);
          if (slot === undefined)
            slots.set(ranker.name, { current: held, recorder: createRecorder(config.recordedRequests) });
          else {
            void release(slot.previous);
            slot.previous = slot.current;
            slot.current = held;
          }
          return stateOf(ranker.name, slots.get(ranker.name) as Slot);
        },
        abort: () => release(held),
      };
    } catch (cause) {
      await release(held);
      throw cause;
    }
  };

  const prepareRollback = async ({ name, force }: Extract<Change, { kind: 'rollback' }>): Promise<Prepared> => {
    const slot = slots.get(name);
    if (slot === undefined) throw error('MODEL_NOT_SERVED', { found: name, known: known(slots) });
    const { previous, current } = slot;
    if (previous === undefined) throw error('ROLLBACK_NONE', { model: name });
    checkReplacement(previous.ranker);
    const { report, reason } = await tried(previous.ranker, slot);
    if (reason !== undefined && !force)
      throw error('ROLLBACK_UNFIT', { model: previous.ranker.label, ...counts(report), reason });
    return {
      name,
      report,
      commit() {
        slot.current = previous;
        slot.previous = current;
        return stateOf(name, slot);
      },
      abort: async () => {},
    };
  };

  const restore = async (models: readonly ServedModel[]): Promise<void> => {
    const before = new Map(slots);
    /** The ranker of this name that is loaded already, or a new one. */
    const held = async (name: string, artifact: StoredArtifact): Promise<Held> => {
      const slot = before.get(name);
      const same = [slot?.current, slot?.previous].find((each) => each?.artifact.folder === artifact.folder);
      if (same === undefined) return open(name, artifact);
      same.holders++;
      const { tables } = artifact;
      if (tables !== undefined && tables.built !== same.ranker.tables()?.set.built)
        (await same.ranker.loadTables(tables))();
      return same;
    };
    for (const { name, current, previous } of models) {
      const slot: Slot = {
        previous: previous && (await held(name, previous)),
        current: await held(name, current),
        recorder: before.get(name)?.recorder ?? createRecorder(config.recordedRequests),
      };
      slots.delete(name); // moves the name to its place in the new order
      slots.set(name, slot);
    }
    for (const name of before.keys()) if (!models.some((model) => model.name === name)) slots.delete(name);
    for (const { current, previous } of before.values()) for (const each of [current, previous]) await release(each);
  };

  const prepareTables = async (tables: readonly ServedTables[]): Promise<Pending> => {
    const commits: (() => void)[] = [];
    for (const { name, folder, set } of tables) {
      const slot = slots.get(name);
      for (const held of [slot?.current, slot?.previous])
        if (held?.artifact.folder === folder) commits.push(await held.ranker.loadTables(set));
    }
    return {
      report: {},
      commit() {
        for (const commit of commits) commit();
      },
      abort: async () => {},
    };
  };

  /** Those served, and those kept for a rollback, with the names of their models. */
  const allHeld = (): { name: string; held: Held }[] =>
    [...slots].flatMap(([name, { current, previous }]) =>
      [current, previous].flatMap((held) => (held === undefined ? [] : [{ name, held }])),
    );

  return {
    use(model) {
      const { slot, held } = find(model);
      held.holders++;
      let open = true;
      return {
        ranker: held.ranker,
        recorder: slot.recorder,
        done() {
          if (open) void release(held);
          open = false;
        },
      };
    },
    list: () => [...slots].map(([name, slot]) => stateOf(name, slot)),
    labels: () => allHeld().map(({ held }) => held.ranker.label),
    restore,
    prepare: async (change) => (change.kind === 'load' ? prepareLoad(change) : prepareRollback(change)),
    prepareTables,
    tables: () =>
      allHeld().flatMap(({ name, held: { artifact, ranker } }) => {
        const set = ranker.tables()?.set;
        return set === undefined ? [] : [{ name, folder: artifact.folder, set }];
      }),
    served: () => allHeld().map(({ name, held: { artifact } }) => ({ name, folder: artifact.folder })),
    folders: () => inUse.map(({ folder }) => folder),
    families: () => [
      ...[...slots.values()].flatMap(({ current }) => current.ranker.metrics.families(current.ranker.label)),
      ...tableFamilies(allHeld().map(({ held }) => held.ranker)),
    ],
    async close() {
      const held = [...slots.values()].flatMap(({ current, previous }) => [current, previous]);
      slots.clear();
      await Promise.all(held.map(release));
    },
  };
}

const known = (slots: Map<string, Slot>): string[] => [...slots.values()].map(({ current }) => current.ranker.label);

const artifactState = ({ ranker }: Held): ArtifactState => ({
  id: ranker.manifest.id,
  path: ranker.folder,
  created: ranker.manifest.created,
});

const stateOf = (name: string, { current, previous }: Slot): ModelState => ({
  name,
  current: artifactState(current),
  ...(previous && { previous: artifactState(previous) }),
});

/**
 * Tries recorded requests with a model before it replaces another. `reason`: why the first failing request fails, undefined if
 * none does.
 */
async function tried(
  ranker: ServedRanker,
  replaced: Slot | undefined,
): Promise<{ report: ChangeReport; reason?: string }> {
  if (replaced === undefined) return { report: {} };
  const before = replaced.current.ranker;
  const requests = replaced.recorder.requests();
  const changes = changesOf(before.manifest, ranker.manifest);
  const failures = await failuresOf(ranker, requests);
  const compared = comparedValues(requests, before, ranker, changes);
  return {
    report: { changes, recorded: { requests: requests.length, failing: failures.length, ...compared } },
    reason: failures[0],
  };
}

async function failuresOf(ranker: ServedRanker, requests: readonly RankRequest[]): Promise<string[]> {
  const failures: string[] = [];
  for (let from = 0; from < requests.length; from += TRIED_TOGETHER) {
    const answers = requests.slice(from, from + TRIED_TOGETHER).map((request) => ranker.warm(request));
    for (const result of await Promise.allSettled(answers)) {
      if (result.status === 'fulfilled') continue;
      if (!(result.reason instanceof TributaryError)) throw result.reason;
      failures.push(result.reason.message);
    }
  }
  return failures;
}

/** Recorded requests that run as one batch: few, so that other requests need not wait long. */
const TRIED_TOGETHER = 16;

const counts = ({ recorded }: ChangeReport): { failed: number; requests: number } => ({
  failed: recorded?.failing ?? 0,
  requests: recorded?.requests ?? 0,
});
