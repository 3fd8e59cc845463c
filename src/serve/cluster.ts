/**
 * Several processes behind one port. The primary holds no model: it starts workers, replaces one that ends, carries a change
 * of models to all of them or to none, and adds up their numbers.
 *
 * Workers accept connections from one socket that they share. If the primary handed them out in turn, the default of
 * `node:cluster`, a connection on its way to a worker that has just been killed would stay open and never be answered.
 */
import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import { error } from '../base/errors/index.ts';
import { createLink, type Link } from '../base/link.ts';
import type { ServingConfig } from '../config/serving.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import type { ServedArtifact } from './answering.ts';
import { type Family, mergeFamilies } from './metrics/metrics.ts';
import type { Change, ModelState } from './models.ts';
import type { WorkerStart } from './worker.ts';

/** A worker that ends sooner after its start than this is not replaced at once. */
const SETTLED_MS = 5000;
const PAUSE_MS = 1000;

export interface ClusterOptions {
  artifacts: readonly ServedArtifact[];
  config: ServingConfig;
  backend?: SessionOptions['backend'];
  /** Told of workers that end and of those that cannot start. */
  onTrouble: (message: string) => void;
}

export interface RunningCluster {
  port: number;
  list(): ModelState[];
  close(): Promise<void>;
}

interface Member {
  worker: Worker;
  link: Link;
}

export async function startCluster(options: ClusterOptions): Promise<RunningCluster> {
  const { config, backend, onTrouble } = options;
  const members = new Set<Member>();
  let artifacts = [...options.artifacts];
  let states: ModelState[] = [];
  let version = 0;
  let isChanging = false;
  let isClosing = false;
  cluster.schedulingPolicy = cluster.SCHED_NONE;
  cluster.setupPrimary({ exec: fileURLToPath(new URL('./worker.js', import.meta.url)), args: [] });

  const start = async (): Promise<{ member: Member; port: number }> => {
    const worker = cluster.fork();
    const began = Date.now();
    // What is sent before the worker's program listens would be lost.
    let onListening = (): void => {};
    const isListening = new Promise<void>((resolve) => {
      onListening = resolve;
    });
    const link = createLink(worker, {
      listening: () => onListening(),
      change: (change: Change) => changeAll(change),
      families: () => collect(),
    });
    const member = { worker, link };
    worker.on('error', () => {}); // a message to a process that has just gone; its exit says the same
    worker.on('exit', (code, signal) => {
      const wasServing = members.delete(member);
      link.cut(error('SWAP_FAILED', { reason: `worker ${worker.process.pid} ended` }));
      if (isClosing || !wasServing) return;
      onTrouble(`worker ${worker.process.pid} ended (${signal ?? `code ${code}`}); another one starts`);
      setTimeout(replace, Date.now() - began < SETTLED_MS ? PAUSE_MS : 0);
    });
    const ended = new Promise<never>((_, reject) => {
      worker.once('exit', () => reject(error('SWAP_FAILED', { reason: `worker ${worker.process.pid} ended` })));
    });
    try {
      await Promise.race([isListening, ended]);
      await link.ask('start', { config, backend } satisfies WorkerStart);
      for (let loaded = -1; loaded !== version; ) {
        loaded = version;
        await link.ask('load', artifacts);
      }
      members.add(member);
      return { member, port: await link.ask<number>('listen') };
    } catch (cause) {
      members.delete(member);
      worker.kill('SIGKILL');
      throw cause;
    }
  };

  const replace = (): void => {
    if (isClosing) return;
    start().catch((cause: Error) => {
      onTrouble(`a worker could not start: ${cause.message}`);
      setTimeout(replace, PAUSE_MS);
    });
  };

  /** All prepare, one after another so that the others go on answering; then all commit, or none does. */
  async function changeAll(change: Change): Promise<ModelState> {
    if (isChanging) throw error('SWAP_RUNNING', {});
    isChanging = true;
    const ready: Member[] = [];
    try {
      for (const member of [...members]) {
        await member.link.ask('prepare', change);
        ready.push(member);
      }
    } catch (cause) {
      await Promise.allSettled(ready.map(({ link }) => link.ask('abort')));
      isChanging = false;
      throw cause;
    }
    try {
      const done = await Promise.allSettled(ready.map(({ link }) => link.ask<ModelState>('commit')));
      const state = done.find((result) => result.status === 'fulfilled')?.value;
      if (state === undefined) throw error('SWAP_FAILED', { reason: 'all workers ended' });
      states = [...states.filter(({ name }) => name !== state.name), state];
      artifacts = artifactsOf(states, artifacts);
      version++;
      // Workers that have joined in between know the models of before.
      const late = [...members].filter((member) => !ready.includes(member));
      await Promise.allSettled(late.map(({ link }) => link.ask('load', artifacts)));
      return state;
    } finally {
      isChanging = false;
    }
  }

  async function collect(): Promise<Family[]> {
    const found = await Promise.allSettled([...members].map(({ link }) => link.ask<Family[]>('families')));
    return mergeFamilies(found.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : [])));
  }

  const close = async (): Promise<void> => {
    isClosing = true;
    const ended = [...members].map(({ worker }) => new Promise((done) => worker.once('exit', done)));
    await Promise.allSettled([...members].map(({ link }) => link.ask('close')));
    await Promise.all(ended);
  };

  try {
    const first = await start();
    states = await first.member.link.ask<ModelState[]>('list');
    artifacts = artifactsOf(states, artifacts);
    for (let i = 1; i < config.workers; i++) await start();
    return { port: first.port, list: () => states, close };
  } catch (cause) {
    await close();
    throw cause;
  }
}

/** What a new worker loads: in the order that was first given, so that the first model stays the first. */
function artifactsOf(states: readonly ModelState[], order: readonly ServedArtifact[]): ServedArtifact[] {
  const place = (name: string): number => {
    const at = order.findIndex((artifact) => artifact.name === name);
    return at < 0 ? order.length : at;
  };
  return [...states]
    .sort((a, b) => place(a.name) - place(b.name))
    .map(({ name, current, previous }) => ({ name, path: current.path, previous: previous?.path }));
}
