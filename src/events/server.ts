/** Servers that keep events. Their URLs hold passwords: they come from the environment, and no message repeats a part of them. */
import { error } from '../base/errors/index.ts';
import { secretOf } from './unit.ts';

export interface Server {
  url: string;
  /** A text of the server or its client, without the password. */
  hide(message: string): string;
}

/** Shorter ones are parts of ordinary words: replaced, they would show where they stood. */
const SHORTEST_HIDDEN = 4;

/**
 * The server at the URL of an environment variable.
 *
 * @param named `env:NAME`
 * @param option what names it, for the message
 * @param schemes as in `postgres:`
 * @throws EVENTS_SECRET, EVENTS_URL
 */
export function serverOf(named: string, schemes: readonly string[], option = 'events.url'): Server {
  const url = secretOf(named, option);
  const refused = (problem: string) => error('EVENTS_URL', { variable: named.replace('env:', ''), schemes, problem });
  // No cause: it holds the text.
  if (!URL.canParse(url)) throw refused('it cannot be parsed');
  const { protocol, password, pathname, search, hash } = new URL(url);
  if (!schemes.includes(protocol)) throw refused(`its scheme is not ${schemes.join(' or ')}`);
  // A password with a slash or the like ends the host too early. What is left of it would be taken for the name of a database.
  if (hash !== '' || `${pathname}${search}`.includes('@')) throw refused('its user or password is not encoded');
  const hidden = [url, password, decoded(password)].filter(({ length }) => length >= SHORTEST_HIDDEN);
  return { url, hide: (message) => hidden.reduce((text, part) => text.replaceAll(part, '***'), message) };
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** Of an error of a client library: those of several addresses have no message of their own. */
export function reasonOf(cause: unknown): string {
  const { message, code } = cause as NodeJS.ErrnoException;
  return message || code || String(cause);
}

/** Rejects if there is no answer after `milliseconds`. */
export async function answered<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  promise.catch(() => {}); // it may fail later, when nobody waits any more
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    const problem = `the server does not answer within ${milliseconds / 1000} s`;
    timer = setTimeout(() => reject(new Error(problem)), milliseconds);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
