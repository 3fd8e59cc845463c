/** The program that runs in the thread of session-thread.ts. */
import { parentPort } from 'node:worker_threads';
import { type Channel, createLink } from '../base/link.ts';
import { loadBackend } from './backends.ts';
import type { Session, SessionOptions } from './contract.ts';
import { createSession } from './session.ts';
import type { CreatedSession, CreateRequest, RunRequest } from './session-thread.ts';

const sessions = new Map<number, Session>();
let made = 0;

createLink(parentPort as Channel, {
  async load(backend: SessionOptions['backend']) {
    await loadBackend(backend ?? 'auto');
  },
  async create({ model, options }: CreateRequest): Promise<CreatedSession> {
    const session = await createSession(model, options);
    const { backend, inputs, outputs } = session;
    sessions.set(++made, session);
    return { id: made, backend, inputs, outputs };
  },
  run: ({ id, feeds }: RunRequest) => (sessions.get(id) as Session).run(feeds),
  async release(id: number) {
    const session = sessions.get(id);
    sessions.delete(id);
    await session?.release();
  },
});
