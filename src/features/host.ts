/** Has tables built: by a process of their own, or by this one. */
import { fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { error, TributaryError } from '../base/errors/index.ts';
import { type PackedError, unpackError } from '../base/link.ts';
import type { BuildReply, BuildRequest } from './contract.ts';

export type BuilderReply = { kind: 'built'; built?: BuildReply } | { kind: 'failed'; error: PackedError };

export interface BuildOptions {
  /** In a process of its own? A crash of the database, or a kill for its memory, then ends no service. */
  ownProcess: boolean;
  /** Time that it may take. */
  seconds: number;
  /** Stops it when aborted. */
  signal?: AbortSignal;
}

/**
 * Builds tables; undefined where nothing has changed.
 *
 * @throws what buildTables throws; FEATURES_REFRESH if the process ends or takes too long
 */
export async function build(request: BuildRequest, options: BuildOptions): Promise<BuildReply | undefined> {
  if (options.ownProcess) return buildElsewhere(request, options);
  const { buildTables } = await import('./build.ts');
  return buildTables(request);
}

function buildElsewhere(request: BuildRequest, { seconds, signal }: BuildOptions): Promise<BuildReply | undefined> {
  return new Promise((resolve, reject) => {
    // Its output would mix with the log of the service.
    const child = fork(fileURLToPath(new URL('./builder.js', import.meta.url)), {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
      execArgv: [],
    });
    let reason: string | undefined;
    const stop = (why: string): void => {
      reason = why;
      child.kill('SIGKILL');
    };
    const late = setTimeout(() => stop(`reading them took more than ${seconds} s`), seconds * 1000);
    const onAbort = (): void => stop('the service is being stopped');
    signal?.addEventListener('abort', onAbort, { once: true });
    const done = (): void => {
      clearTimeout(late);
      signal?.removeEventListener('abort', onAbort);
    };
    child.on('message', (reply: BuilderReply) => {
      if (reply.kind === 'built') resolve(reply.built);
      else reject(asRefused(unpackError(reply.error)));
    });
    child.on('error', (cause) => reject(error('FEATURES_REFRESH', { reason: cause.message }, cause)));
    // Not `exit`: its answer may still be on its way then.
    child.on('close', (code, name) => {
      done();
      // A second answer counts for nothing.
      reject(error('FEATURES_REFRESH', { reason: reason ?? `the process that read them ended (${name ?? code})` }));
    });
    child.send(request, () => {});
  });
}

/** Errors that are none of the catalogue: the database is not installed, or the like. */
const asRefused = (cause: Error): Error =>
  cause instanceof TributaryError ? cause : error('FEATURES_REFRESH', { reason: cause.message }, cause);
