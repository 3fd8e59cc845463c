/** A client of a running service, as a shop has one. */
import { setTimeout as pause } from 'node:timers/promises';
import { error } from '../base/errors/index.ts';
import { fetchFailure } from '../base/link.ts';
import { CLOCK_HEADER } from '../events/clock.ts';
import type { Reaction } from './reactions.ts';

export interface ClientOptions {
  /** Of the service: http://127.0.0.1:8080. */
  url: string;
  /** A key of the service, where it has keys. */
  key?: string;
  /** Which of its models is asked. Default: the first. */
  model?: string;
}

export interface RankBody {
  request_id: string;
  scenario: string;
  user: object;
  items: object[];
  top_k: number;
}

export interface Ranked {
  /** `name@id` of what answered. */
  model: string;
  /** Ids from the first position on. */
  items: (string | number)[];
  /** Has the service taken the time of the request as its own? */
  isClocked: boolean;
  /** What the request took part in. */
  experiments: { key: string; arm: string }[];
}

export interface ServiceClient {
  /** @throws SERVICE_UNREACHABLE, SERVICE_REFUSED */
  rank(body: RankBody, time: number): Promise<Ranked>;
  /** At most 1000. @throws SERVICE_UNREACHABLE, SERVICE_REFUSED */
  send(events: readonly Reaction[]): Promise<void>;
  /** The arm of a unit, without exposing it; undefined where it takes no part. @throws SERVICE_UNREACHABLE, SERVICE_REFUSED */
  armOf(experiment: string, unit: number, scenario: string): Promise<string | undefined>;
}

/** Tries before a request is given up, and the time before the second; it doubles with each. */
const TRIES = 5;
const PAUSE_MS = 100;
/** A service says so when it is full, stopping, or has had enough for now. */
const TRY_AGAIN = [429, 502, 503, 504];

export function createClient({ url, key, model }: ClientOptions): ServiceClient {
  const headers = {
    'content-type': 'application/json',
    ...(key !== undefined && { authorization: `Bearer ${key}` }),
  };
  const post = async (path: string, body: object, more: Record<string, string> = {}): Promise<Response> => {
    const request = { method: 'POST', headers: { ...headers, ...more }, body: JSON.stringify(body) };
    for (let tried = 1; ; tried++) {
      const answer = await fetch(new URL(path, url), request).catch((cause: Error) => cause);
      if (!(answer instanceof Error) && !TRY_AGAIN.includes(answer.status)) return checked(answer, url, path);
      if (tried === TRIES && answer instanceof Error)
        throw error('SERVICE_UNREACHABLE', { url, reason: fetchFailure(answer) }, answer);
      if (tried === TRIES) return checked(answer as Response, url, path);
      await pause(PAUSE_MS * 2 ** (tried - 1));
    }
  };
  return {
    async rank(body, time) {
      const answer = await post(
        '/v1/rank',
        { ...body, ...(model !== undefined && { model }) },
        { [CLOCK_HEADER]: String(time) },
      );
      const {
        model: answered,
        items,
        experiments = [],
      } = (await answer.json()) as {
        model: string;
        items: { id: string | number }[];
        experiments?: Ranked['experiments'];
      };
      const isClocked = answer.headers.get(CLOCK_HEADER) === String(time);
      return { model: answered, items: items.map(({ id }) => id), isClocked, experiments };
    },
    async send(events) {
      const answer = await post('/v1/events', { events });
      const { refused } = (await answer.json()) as { refused: { code: string; message: string }[] };
      if (refused.length > 0) {
        const [{ code, message }] = refused;
        throw error('SERVICE_REFUSED', { url, path: '/v1/events', code, message });
      }
    },
    async armOf(experiment, unit, scenario) {
      const path = `/ofrep/v1/evaluate/flags/${encodeURIComponent(experiment)}`;
      const answer = await post(path, { context: { targetingKey: unit, scenario } });
      return ((await answer.json()) as { variant?: string }).variant;
    },
  };
}

/** @throws SERVICE_REFUSED with the code and message of the answer */
async function checked(answer: Response, url: string, path: string): Promise<Response> {
  if (answer.ok) return answer;
  const text = await answer.text();
  const { code = `HTTP status ${answer.status}`, message = text.slice(0, 200) } = errorOf(text);
  throw error('SERVICE_REFUSED', { url, path, code, message });
}

function errorOf(text: string): { code?: string; message?: string } {
  try {
    const found = JSON.parse(text) as { error?: object; errorCode?: string; errorDetails?: string };
    return found.error ?? { code: found.errorCode, message: found.errorDetails };
  } catch {
    return {};
  }
}
