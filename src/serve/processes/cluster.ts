/**
 * Several processes behind one port. The primary loads no model: it keeps the private copies of the artifacts, starts workers,
 * replaces those that end or hang, changes models in all workers or in none, and adds up their metrics.
 *
 * Workers accept connections from one shared socket. If the primary distributed connections, the default of `node:cluster`,
 * a connection passed to a worker that has just been killed would stay open without an answer.
 */
import cluster from 'node:cluster';
import { randomInt } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';
import { within } from '../../base/disposal.ts';
import { error, TributaryError } from '../../base/errors/index.ts';
import {
  type AskedExperiments,
  changedState,
  type ExperimentsState,
  keepState,
  withArtifacts,
} from '../experiments/state.ts';
import type { Refreshed } from '../features/state.ts';
import { type Family, family, mergeFamilies, onlyCounters } from '../metrics/metrics.ts';
import { lostLinesFamily } from '../metrics/server-metrics.ts';
import type { StoredArtifact } from '../models/artifact-store.ts';
import { type ChangeReport, shownReport } from '../models/changes.ts';
import { rolledBack, type ServedModel, stateOf, withArtifact, withTables } from '../models/served.ts';
import { type AskedChange, type Changed, placesOf, refreshTables, storedChange } from './coordinator.ts';
import { forkMember, type Member } from './member.ts';
import type { ServiceStart, Started } from './start.ts';
import type { WorkerChange, WorkerLoad, WorkerStart } from './worker.ts';

/** After several workers in a row that ended sooner than this after their start, the next one starts after a pause. */
const SETTLED_MS = 5000;
const PAUSE_MS = 1000;
/** Pauses double with each such worker, up to `served` if workers had answered or none answers now, up to `failed` if they cannot start. */
const MOST_PAUSE_MS = { served: 2000, failed: 30_000 };
/** For the metrics of a worker; one that does not answer in time is left out. */
const FAMILIES_SECONDS = 2;
/** For killed processes to end. */
const KILLED_MS = 2000;

export async function startCluster({
  config,
  backend,
  store,
  features,
  onEvent,
  ...start
}: ServiceStart): Promise<Started> {
  const { hangSeconds, loadSeconds, drainSeconds, workers } = config;
  let served: ServedModel[] = start.served;
  let experiments: ExperimentsState = start.experiments;
  /** All processes, also those that are starting. */
  const all = new Set<Member>();
  /** Those that answer requests. */
  const members = new Set<Member>();
  let changing: Promise<unknown> | undefined;
  let isClosing = false;
  let quickEnds = 0;
  const ends = new Map<string, number>();
  const numbers = new Map<Member, Family[]>();
  let past: Family[] = [];
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker.js', import.meta.url)), args: [] });
  const port = config.port === 0 ? await freePort(config.host) : config.port;

  /** Artifacts that are no longer served, with the time of that; removed when no worker can be using them. */
  const leaving = new Map<StoredArtifact, number>();
  const removeUnused = (): void => {
    for (const [artifact, since] of leaving) {
      const { folder } = artifact;
      const isThere = served.some(({ current, previous }) => [current, previous].some((a) => a?.folder === folder));
      if (!isThere && [...all].some((member) => member.mayUse(folder, since))) continue;
      leaving.delete(artifact);
      store.release(artifact);
    }
  };

  /** Starts a process with the models that are served now. */
  const startMember = async (): Promise<void> => {
    const { member, isListening } = forkMember({
      hangSeconds,
      handlers: {
        change: (asked: AskedChange) => change(asked),
        refresh: () => refresh(),
        experiments: (asked: AskedExperiments) => alone(() => carryOutExperiments(asked)),
        families: () => collect(),
      },
      onBeat: removeUnused,
    });
    all.add(member);
    void member.ended.then(() => {
      all.delete(member);
      removeUnused();
    });
    try {
      await isListening;
      await member.ask('start', { config, backend } satisfies WorkerStart, loadSeconds);
      let loaded: WorkerLoad | undefined;
      while (loaded?.served !== served || loaded.experiments !== experiments || changing !== undefined) {
        await changing?.catch(() => {});
        loaded = { served, experiments };
        for (const { current, previous } of loaded.served)
          for (const artifact of previous === undefined ? [current] : [previous, current]) await store.check(artifact);
        await member.ask('load', loaded, loadSeconds);
      }
      if (members.size === 0 && experiments === start.experiments) start.keepExperiments();
      members.add(member);
      await member.ask('listen', port);
    } catch (cause) {
      members.delete(member);
      member.kill((cause as Error).message);
      throw cause;
    }
    watch(member, Date.now());
  };

  const watch = (member: Member, began: number): void =>
    void member.ended.then(({ how, reason }) => {
      members.delete(member);
      past = mergeFamilies([past, onlyCounters(numbers.get(member) ?? [])]);
      numbers.delete(member);
      if (isClosing) return;
      ends.set(how, (ends.get(how) ?? 0) + 1);
      quickEnds = Date.now() - began < SETTLED_MS ? quickEnds + 1 : 0;
      replace(`worker ${member.pid} ended (${reason})`, MOST_PAUSE_MS.served);
    });

  const replace = (trouble: string, most: number): void => {
    const pause =
      quickEnds < 2 ? 0 : Math.min(PAUSE_MS * 2 ** (quickEnds - 2), members.size === 0 ? MOST_PAUSE_MS.served : most);
    const message = `${trouble}; another one starts${pause === 0 ? '' : ` in ${pause / 1000} s`}`;
    onEvent({ event: 'warning', message });
    setTimeout(() => {
      if (isClosing) return;
      startMember().catch((cause: Error) => {
        if (isClosing) return;
        quickEnds++;
        ends.set('not started', (ends.get('not started') ?? 0) + 1);
        replace(`a worker could not start: ${cause.message}`, MOST_PAUSE_MS.failed);
      });
    }, pause);
  };

  const change = (asked: AskedChange): Promise<Changed> => alone(() => carryOut(asked));

  const refresh = (): Promise<Refreshed> => alone(carryOutRefresh);

  async function alone<T>(step: () => Promise<T>): Promise<T> {
    if (changing !== undefined) throw error('SWAP_RUNNING', {});
    const running = step().finally(() => {
      changing = undefined;
    });
    changing = running;
    return running;
  }

  async function carryOut(asked: AskedChange): Promise<Changed> {
    const wanted = await storedChange(asked, store, features);
    try {
      const { ready, reports } = await prepareAll(wanted);
      await commitAll(ready);
      const name = wanted.kind === 'load' ? (wanted.name ?? wanted.artifact.name) : wanted.name;
      const next =
        wanted.kind === 'load' ? withArtifact(served, name, wanted.artifact) : { served: rolledBack(served, name) };
      served = next.served;
      if (next.dropped !== undefined) leaving.set(next.dropped, Date.now());
      return { model: stateOf(served.find((model) => model.name === name) as ServedModel), ...shownReport(reports) };
    } catch (cause) {
      if (wanted.kind === 'load') leaving.set(wanted.artifact, Date.now());
      throw cause;
    }
  }

  async function carryOutRefresh(): Promise<Refreshed> {
    const before = served.flatMap(({ name, current, previous }) =>
      [current, previous].flatMap((artifact) =>
        artifact?.tables === undefined ? [] : [{ name, folder: artifact.folder, set: artifact.tables }],
      ),
    );
    return refreshTables(features, before, async (tables) => {
      const { ready } = await prepareAll({ kind: 'tables', tables });
      return async () => {
        await commitAll(ready);
        served = served.map((model) => withTables(model, tables));
      };
    });
  }

  async function carryOutExperiments(asked: AskedExperiments): Promise<void> {
    const next = withArtifacts(changedState(experiments, asked), placesOf(served.map(stateOf)));
    const { ready } = await prepareAll({ kind: 'experiments', state: next });
    try {
      keepState(config.experimentsFile, next);
    } catch (cause) {
      await askAll(ready, 'abort');
      throw cause;
    }
    experiments = next;
    await commitAll(ready);
  }

  /**
   * Prepares one worker after the other, so that the others go on answering. A worker that ends meanwhile is replaced by one
   * that loads the new models; if a second one ends, the artifact is blamed and the change fails.
   */
  async function prepareAll(wanted: WorkerChange): Promise<{ ready: Member[]; reports: ChangeReport[] }> {
    const ready: Member[] = [];
    const reports: ChangeReport[] = [];
    let gone = 0;
    try {
      for (const member of [...members]) {
        try {
          reports.push(await member.ask<ChangeReport>('prepare', wanted, loadSeconds));
          ready.push(member);
        } catch (cause) {
          if (!isLoss(cause)) throw cause;
          member.kill(`no answer while it loaded ${shownChange(wanted)}`);
          if (++gone > 1) throw cause;
        }
      }
      if (ready.length === 0) throw error('SWAP_FAILED', { reason: 'no worker is there that could load it' });
      return { ready, reports };
    } catch (cause) {
      await askAll(ready, 'abort');
      throw cause;
    }
  }

  /** A worker that does not commit is killed: it would go on with the old models. */
  async function commitAll(ready: readonly Member[]): Promise<void> {
    if ((await askAll(ready, 'commit')) === 0) throw error('SWAP_FAILED', { reason: 'all workers ended' });
  }

  /** Asks all; kills those that do not answer, and returns how many did. */
  async function askAll(ready: readonly Member[], what: 'commit' | 'abort'): Promise<number> {
    const done = await Promise.all(
      ready.map((member) =>
        member.ask(what).then(
          () => true,
          () => {
            member.kill(`no answer to a change (${what})`);
            return false;
          },
        ),
      ),
    );
    return done.filter(Boolean).length;
  }

  async function collect(): Promise<Family[]> {
    await Promise.all(
      [...members].map(async (member) => {
        const found = await member.ask<Family[]>('families', undefined, FAMILIES_SECONDS).catch(() => undefined);
        if (found !== undefined && !member.hasEnded()) numbers.set(member, found);
        // Counters of a busy process are kept; its gauges are not, since they may have changed.
        else if (numbers.has(member)) numbers.set(member, onlyCounters(numbers.get(member) as Family[]));
      }),
    );
    past = past.map((found) => ({ ...found, series: found.series.filter(({ labels }) => isServed(labels.model)) }));
    return mergeFamilies([
      ...numbers.values(),
      past,
      [lostLinesFamily(), endsFamily(ends), ...(features?.families() ?? [])],
    ]);
  }

  const isServed = (model: string | undefined): boolean =>
    model === undefined || served.some(({ name, current }) => model === `${name}@${current.id}`);

  const close = async (): Promise<void> => {
    isClosing = true;
    for (const member of all) if (!members.has(member)) member.kill('the service is being stopped');
    // Workers close their last connections a little before they would be killed.
    const seconds = drainSeconds - Math.min(0.5, drainSeconds / 10);
    for (const member of members) member.ask('close', seconds, drainSeconds + 1).catch(() => {});
    const gone = Promise.all([...all].map(({ ended }) => ended));
    await within(gone, drainSeconds * 1000);
    for (const member of all) member.kill('the service is being stopped');
    await within(gone, KILLED_MS);
  };

  try {
    for (let i = 0; i < workers; i++) await startMember();
    return { port, list: () => served.map(stateOf), refresh, close };
  } catch (cause) {
    isClosing = true;
    for (const member of all) member.kill('the service could not start');
    await within(Promise.all([...all].map(({ ended }) => ended)), KILLED_MS);
    throw cause;
  }
}

/** What a worker is loading, for the log. */
function shownChange(wanted: WorkerChange): string {
  if (wanted.kind === 'tables') return 'tables of features';
  if (wanted.kind === 'experiments') return 'experiments';
  return wanted.kind === 'load' ? wanted.artifact.source : wanted.name;
}

/** Did the worker end or not answer? Other errors are its answers. */
const isLoss = (cause: unknown): boolean =>
  cause instanceof TributaryError && (cause.code === 'WORKER_SILENT' || cause.code === 'SWAP_FAILED');

const endsFamily = (ends: ReadonlyMap<string, number>): Family =>
  family(
    'tributary_worker_ends_total',
    'Worker processes that ended or could not start, by how.',
    'counter',
    [...ends].map(([how, count]) => ({ labels: { how }, values: [count] })),
  );

/** Ports below are often those of well-known services. */
const FIRST_PORT = 10_240;
/** Where the system does not say from which port on it gives them to outgoing connections. */
const FIRST_OUTGOING = 32_768;
const PORT_TRIES = 20;

/**
 * A free port that all workers and their successors can listen on: with port 0 each would get another one. It lies below the ports of
 * outgoing connections, of which one could otherwise take it while all workers are being replaced.
 */
async function freePort(host: string): Promise<number> {
  const end = Math.max(firstOutgoingPort(), FIRST_PORT + 1);
  for (let tried = 1; tried <= PORT_TRIES; tried++) {
    const port = await listenOnce(host, randomInt(FIRST_PORT, end)).catch(() => undefined);
    if (port !== undefined) return port;
  }
  return listenOnce(host, 0);
}

function firstOutgoingPort(): number {
  try {
    return Number.parseInt(readFileSync('/proc/sys/net/ipv4/ip_local_port_range', 'utf8'), 10) || FIRST_OUTGOING;
  } catch {
    return FIRST_OUTGOING;
  }
}

/** The port, if it is free. Throws PORT_TAKEN. */
function listenOnce(host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.once('error', (cause) => reject(error('PORT_TAKEN', { host, port, reason: cause.message }, cause)));
    probe.listen({ host, port, exclusive: true }, () => {
      const address = probe.address();
      probe.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
