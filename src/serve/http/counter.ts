/** Counts requests by name in windows of time. The clock is one that nobody sets: a window never gets longer. */
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';

/** Names that are counted at once; beyond it the ones counted longest ago start anew. */
const NAMES = 50_000;

interface Window {
  from: number;
  count: number;
}

/** `now`: milliseconds since any moment, never going back. */
export function createCounter(now: () => number = () => performance.now()): FastifyRateLimitStoreCtor {
  return class implements FastifyRateLimitStore {
    readonly #windows = new Map<string, Window>();

    incr(name: string, tell: (error: null, result: { current: number; ttl: number }) => void, length: number): void {
      const time = now();
      const known = this.#windows.get(name);
      const window = known !== undefined && time < known.from + length ? known : { from: time, count: 0 };
      window.count++;
      this.#windows.delete(name); // to the end, behind those that were counted longer ago
      this.#windows.set(name, window);
      if (this.#windows.size > NAMES) this.#windows.delete(this.#windows.keys().next().value as string);
      tell(null, { current: window.count, ttl: window.from + length - time });
    }

    child(): this {
      return this;
    }
  };
}
