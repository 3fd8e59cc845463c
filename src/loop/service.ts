/** Loads an artifact into a running service, by its admin route. */
import { error } from '../base/errors/index.ts';
import { fetchFailure } from '../base/link.ts';
import type { LoopConfig } from '../config/loop.ts';
import { secretOf } from '../events/unit.ts';

type Load = NonNullable<LoopConfig['load']>;

/** Accepted, or refused by the service with a reason. */
export type Loaded = { warnings: string[] } | { refused: string };

/** Another change may be running, or the service may be starting. */
const TRIES = 10;
const PAUSE_MS = 500;
const TIMEOUT_MS = 300_000;

/**
 * Loading the same artifact again changes nothing that users see, so a loop that was killed here does it once more.
 *
 * @throws LOOP_SERVICE if the service cannot be reached, or refuses the key
 */
export async function loadInto({ url, model, as, key }: Load, artifact: string): Promise<Loaded> {
  const name = as === 'shadow' ? `${model}-next` : model;
  const headers = {
    'content-type': 'application/json',
    ...(key !== undefined && { authorization: `Bearer ${secretOf(key, 'load.key')}` }),
  };
  const body = JSON.stringify({ path: artifact });
  for (let tried = 1; ; tried++) {
    const answer = await fetch(new URL(`/admin/models/${name}/load`, url), {
      method: 'POST',
      headers,
      body,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    }).catch((cause: Error) => cause);
    if (answer instanceof Error) {
      if (tried === TRIES) throw error('LOOP_SERVICE', { url, problem: fetchFailure(answer) }, answer);
    } else {
      const found = (await answer.json().catch(() => ({}))) as { warnings?: string[]; error?: Problem };
      if (answer.ok) return { warnings: found.warnings ?? [] };
      const { code = `HTTP status ${answer.status}`, message = '' } = found.error ?? {};
      if ([401, 403, 404].includes(answer.status)) throw error('LOOP_SERVICE', { url, problem: `${code}: ${message}` });
      const isBusy = code === 'SWAP_RUNNING' || answer.status >= 500;
      if (!isBusy || tried === TRIES) return { refused: `${code}: ${message}` };
    }
    await new Promise((done) => setTimeout(done, PAUSE_MS));
  }
}

interface Problem {
  code: string;
  message: string;
}
