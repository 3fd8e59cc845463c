/** Pages that follow what they show: whoever looks gets a new state whenever there is one. */
import type { Page } from '../pages/page.ts';

/**
 * Files are asked for their times, not watched: that works on every platform, on network disks and in containers, where the system sends no
 * events, and a few calls a second cost nothing. Only what somebody looks at is asked for.
 */
const EVERY_MS = 250;

export interface Source {
  /** Changes with the page. */
  stamp: () => string;
  /** Throws where what it shows is gone or cannot be read. */
  page: () => Page;
}

/** Sends pages to its listeners. */
export interface Live {
  /** Calls back with each new state, the first at once. Returns how to stop. */
  follow(name: string, source: Source, take: (page: Page) => void): () => void;
  close(): void;
}

interface Followed {
  source: Source;
  stamp: string | undefined;
  last: Page | undefined;
  isGone: boolean;
  listeners: Set<(page: Page) => void>;
}

export function createLive(everyMs = EVERY_MS): Live {
  const followed = new Map<string, Followed>();
  const timer = setInterval(() => {
    for (const one of followed.values()) look(one);
  }, everyMs);
  timer.unref();
  return {
    follow(name, source, take) {
      const one = followed.get(name) ?? {
        source,
        stamp: undefined,
        last: undefined,
        isGone: false,
        listeners: new Set(),
      };
      followed.set(name, one);
      one.listeners.add(take);
      const { last } = one;
      look(one);
      if (one.last === last && last !== undefined) take(last);
      return () => {
        one.listeners.delete(take);
        if (one.listeners.size === 0) followed.delete(name);
      };
    },
    close: () => clearInterval(timer),
  };
}

/** A page that cannot be made now, of a file that is being written or was removed, keeps its last state, and is tried again. */
function look(one: Followed): void {
  const stamp = stampOrNone(one.source);
  if (stamp === one.stamp) return;
  try {
    one.last = one.source.page();
    one.stamp = stamp;
    one.isGone = false;
  } catch {
    if (one.last === undefined || one.isGone) return;
    one.isGone = true;
    one.last = { ...one.last, notes: [GONE, ...one.last.notes.filter((note) => note !== GONE)] };
  }
  for (const take of one.listeners) take(one.last);
}

const GONE = 'This cannot be read any more: it was removed, or is being written anew. The page shows its last state.';

function stampOrNone({ stamp }: Source): string {
  try {
    return stamp();
  } catch {
    return 'none';
  }
}
