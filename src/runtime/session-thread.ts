/**
 * Sessions in a thread of their own. ONNX Runtime blocks the thread that runs it. With a second thread, the event loop
 * of a server keeps reading and writing meanwhile, on another core. Tensors are copied on the way there and back.
 */
import { Worker } from 'node:worker_threads';
import { createLink } from '../base/link.ts';
import type { RunningSession, SessionOptions, Value } from './contract.ts';

export interface SessionThread {
  /** Same as createSession of session.ts. The sessions of a thread run one at a time. */
  createSession(model: Uint8Array | string, options?: SessionOptions): Promise<RunningSession>;
  /** Ends the thread. No run may be in progress. */
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

/** Starts the thread and begins to load the backend there. An uncaught error in the thread ends the process. */
export function startSessionThread(backend: SessionOptions['backend']): SessionThread {
  const worker = new Worker(new URL('./session-worker.js', import.meta.url));
  const link = createLink(worker, {});
  // The first session reports whether the backend loads.
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

/** Copies views, because sending a view sends its whole buffer. */
const compact = (feeds: Record<string, Value>): Record<string, Value> =>
  Object.fromEntries(
    Object.entries(feeds).map(([name, value]) => [
      name,
      value.data.byteLength === value.data.buffer.byteLength ? value : { ...value, data: value.data.slice() },
    ]),
  );
