/** Counts requests by name in windows of time. The clock is monotonic: setting the system's time changes no window. */
import type { FastifyRateLimitStore, FastifyRateLimitStoreCtor } from '@fastify/rate-limit';

/** Names that are counted at once; with more, those counted longest ago start again at 0. */
const NAMES = 50_000;

interface Window {
  from: number;
  count: number;
}

/** `now`: a monotonic clock, milliseconds. */
export function createCounter(now: () => number = () => performance.now()): FastifyRateLimitStoreCtor {
  return class implements FastifyRateLimitStore {
    readonly #windows = new Map<string, Window>();

    incr(name: string, done: (error: null, result: { current: number; ttl: number }) => void, length: number): void {
      const time = now();
      const known = this.#windows.get(name);
      const window = known !== undefined && time < known.from + length ? known : { from: time, count: 0 };
      window.count++;
      this.#windows.delete(name); // moves the name to the end of the map's order
      this.#windows.set(name, window);
      if (this.#windows.size > NAMES) this.#windows.delete(this.#windows.keys().next().value as string);
      done(null, { current: window.count, ttl: window.from + length - time });
    }

    child(): this {
      return this;
    }
  };
}
