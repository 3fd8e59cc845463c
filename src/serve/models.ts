/**
 * The models of a process, by name. A request holds the ranker that it began with until it is answered, so that none is
 * answered by two; a replaced ranker is kept for a rollback, and closed once it has left and its last request is done.
 * Changes go in two steps, prepare and commit, so that several processes can change together or not at all.
 */
import { error, TributaryError } from '../base/errors/index.ts';
import type { ServingConfig } from '../config/serving.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import type { Waiting } from './graph-runner.ts';
import type { CreateSession } from './graphs.ts';
import type { Family } from './metrics/metrics.ts';
import { loadRanker, type Ranker } from './ranker.ts';
import { createRecorder, type Recorder } from './recorder.ts';
import { warmRequests } from './warm.ts';

/** A change to what is served. */
export type Change =
  | { kind: 'load'; name?: string; path: string; force?: boolean }
  | { kind: 'rollback'; name: string };

/** A model as the admin routes show it. */
export interface ModelState {
  name: string;
  current: ArtifactState;
  previous?: ArtifactState;
}

export interface ArtifactState {
  id: string;
  path: string;
  /** When the artifact was made. */
  created: string;
}

export interface Models {
  /** The ranker of `name`, `name@id`, or of the first model. Call `done` when the request is answered. Throws MODEL_NOT_SERVED. */
  use(model?: string): { ranker: Ranker; recorder: Recorder; done: () => void };
  list(): ModelState[];
  /** Makes a change ready: for a load verified, warmed with recorded requests, not seen by anybody. */
  prepare(change: Change): Promise<Prepared>;
  families(): Family[];
  close(): Promise<void>;
}

export interface Prepared {
  name: string;
  /** Takes effect at once; returns how the model stands then. */
  commit(): ModelState;
  abort(): Promise<void>;
}

export interface ModelsOptions {
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  waiting: Waiting;
  createSession?: CreateSession;
}

/** A ranker and who still uses it: the slots that name it, and requests. */
interface Held {
  ranker: Ranker;
  holders: number;
}

interface Slot {
  current: Held;
  previous?: Held;
  recorder: Recorder;
}

export function createModels({ config, ...shared }: ModelsOptions): Models {
  const slots = new Map<string, Slot>();

  const release = async (held: Held | undefined): Promise<void> => {
    if (held === undefined) return;
    held.holders--;
    if (held.holders === 0) await held.ranker.close();
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

  const prepareLoad = async ({ name, path, force = false }: Extract<Change, { kind: 'load' }>): Promise<Prepared> => {
    const ranker = await loadRanker(path, { name, config, ...shared });
    const replaced = slots.get(ranker.name);
    try {
      await warm(ranker, replaced?.recorder, force);
    } catch (cause) {
      await ranker.close();
      throw cause;
    }
    return {
      name: ranker.name,
      commit() {
        const held: Held = { ranker, holders: 1 };
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
      abort: () => ranker.close(),
    };
  };

  const prepareRollback = (name: string): Prepared => {
    const slot = slots.get(name);
    if (slot === undefined) throw error('MODEL_NOT_SERVED', { found: name, known: known(slots) });
    const { previous, current } = slot;
    if (previous === undefined) throw error('ROLLBACK_NONE', { model: name });
    return {
      name,
      commit() {
        slot.current = previous;
        slot.previous = current;
        return stateOf(name, slot);
      },
      abort: async () => {},
    };
  };

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
    prepare: async (change) => (change.kind === 'load' ? prepareLoad(change) : prepareRollback(change.name)),
    families: () => [...slots.values()].flatMap(({ current }) => current.ranker.metrics.families(current.ranker.label)),
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
 * Runs every scenario once, so that the first request finds all in its place, and what was asked lately: an artifact that
 * cannot answer it does not take the place of one that could.
 */
async function warm(ranker: Ranker, recorder: Recorder | undefined, force: boolean): Promise<void> {
  for (const request of warmRequests(ranker.manifest)) await ranker.warm(request);
  const requests = recorder?.requests() ?? [];
  const failures: string[] = [];
  for (const request of requests)
    await ranker.warm(request).catch((cause: unknown) => {
      if (!(cause instanceof TributaryError)) throw cause;
      failures.push(cause.message);
    });
  if (failures.length > 0 && !force)
    throw error('ARTIFACT_UNFIT', {
      path: ranker.folder,
      failed: failures.length,
      requests: requests.length,
      reason: failures[0],
    });
}
