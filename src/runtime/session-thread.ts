/**
 * Sessions in a thread of their own. ONNX Runtime blocks the thread that runs it: from here, the event loop of a server goes on
 * reading and writing meanwhile, and a second core has something to do. Tensors are copied on their way there and back.
 */
import { Worker } from 'node:worker_threads';
import { createLink } from '../base/link.ts';
import type { RunningSession, SessionOptions, Value } from './contract.ts';

export interface SessionThread {
  /** As createSession of session.ts. Its sessions run one at a time. */
  createSession(model: Uint8Array | string, options?: SessionOptions): Promise<RunningSession>;
  /** Ends the thread. Nothing may be running. */
  close(): Promise<void>;
}

export interface CreateRequest {
  model: Uint8Array | string;
  options: SessionOptions;
}

export interface CreatedSession extends Pick<RunningSession, 'backend' | 'inputs' | 'outputs'> {
  id: number;
}

export interface RunRequest {
  id: number;
  feeds: Record<string, Value>;
}

/** Starts the thread, and loads the backend there while the caller does something else. An uncaught error there ends the process. */
export function startSessionThread(backend: SessionOptions['backend']): SessionThread {
  const worker = new Worker(new URL('./session-worker.js', import.meta.url));
  const link = createLink(worker, {});
  // Whether it loads is told by the first session.
  link.ask('load', backend).catch(() => {});
  return {
    async createSession(model, options = {}) {
      const { id, ...session } = await link.ask<CreatedSession>('create', { model, options } satisfies CreateRequest);
      return {
        ...session,
        run: (feeds) => link.ask('run', { id, feeds: compact(feeds) } satisfies RunRequest),
        release: () => link.ask('release', id),
      };
    },
    close: async () => void (await worker.terminate()),
  };
}

/** A view would take the whole of its buffer along. */
const compact = (feeds: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [
      name,
      value.data.byteLength === value.data.buffer.byteLength ? value : { ...value, data: value.data.slice() },
    ]),
  );
