/** A service on a free port of this machine, gone after the test, and a client of it. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import { sha256 } from '../../src/base/hash.ts';
import type { ServingInput } from '../../src/config/serving.ts';
import { type RunningService, startService } from '../../src/serve/processes/service.ts';
import { type ArtifactRequest, writeTestArtifact } from './artifacts.ts';
import { routeContract } from './contract.ts';

export const ADMIN_KEY = 'tk_admin';
export const hashed = (name: string, key: string) => ({ name, sha256: sha256(key) });

/** What every artifact of `artifact` can answer. */
export const REQUEST = {
  scenario: 'home',
  user: { user: 'u1' },
  items: [
    { id: 1, item: 2 },
    { id: 2, item: 9 },
  ],
};

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'tributary-serve-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes an artifact that is gone after the test. */
export function artifact(request: Omit<ArtifactRequest, 'folder'> = {}) {
  const folder = join(temporaryFolder(), 'artifact');
  return { folder, manifest: writeTestArtifact({ ...request, folder }) };
}

export interface Answer {
  status: number;
  headers: Headers;
  // biome-ignore lint/suspicious/noExplicitAny: answers are looked at by tests
  body: any;
  text: string;
}

export interface Client {
  service: RunningService;
  address: string;
  /** Every answer is held against what its route declares. */
  ask(path: string, body?: unknown, headers?: Record<string, string>): Promise<Answer>;
  admin(path: string, body?: unknown): Promise<Answer>;
  /** PUT with the admin key. */
  put(path: string, body: unknown): Promise<Answer>;
}

export async function serving(
  folders: readonly string[],
  config: ServingInput = {},
  start: typeof startService = startService,
): Promise<Client> {
  const service = await start({
    artifacts: folders.map((path) => ({ path })),
    // A thread would run the compiled program: tests that start the command have it.
    config: {
      port: 0,
      ownThread: false,
      log: { level: 'silent' },
      adminKeys: [hashed('admin', ADMIN_KEY)],
      ...config,
    },
  });
  onTestFinished(() => service.close());
  const address = `http://127.0.0.1:${service.port}`;
  const send = async (method: string, path: string, body: unknown, headers: Record<string, string>) => {
    const response = await fetch(address + path, {
      method,
      ...(body !== undefined && { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      headers: { ...(body !== undefined && { 'content-type': 'application/json' }), ...headers },
    });
    const text = await response.text();
    const contentType = response.headers.get('content-type') ?? '';
    const isJson = contentType.startsWith('application/json');
    const given = { status: response.status, contentType, text };
    (await routeContract()).check(method, path, given);
    return { status: response.status, headers: response.headers, text, body: isJson ? JSON.parse(text) : undefined };
  };
  const ask: Client['ask'] = (path, body, headers = {}) =>
    send(body === undefined ? 'GET' : 'POST', path, body, headers);
  const withKey = { authorization: `Bearer ${ADMIN_KEY}` };
  return {
    service,
    address,
    ask,
    admin: (path, body) => ask(path, body, withKey),
    put: (path, body) => send('PUT', path, body, withKey),
  };
}
