/** Keeps the last answered requests in memory: the next artifact is tried with them. */
import type { RankRequest } from '../ranker/contract.ts';

/** Items kept of a large request: they are enough to try an artifact, and memory stays small. */
const ITEMS = 100;

/** A larger request is not kept, bytes of its values. */
const BYTES = 256 * 1024;

export interface Recorder {
  /** `bytes`: size of the request's body. */
  add(request: RankRequest, bytes: number): void;
  requests(): RankRequest[];
}

export function createRecorder(capacity: number): Recorder {
  const kept: RankRequest[] = [];
  let next = 0;
  return {
    add(request, bytes) {
      if (capacity === 0) return;
      const { items } = request;
      const short = items.length > ITEMS ? { ...request, items: items.slice(0, ITEMS) } : request;
      if (bytes > BYTES && bytesLeft(short, BYTES) < 0) return;
      kept[next] = short;
      next = (next + 1) % capacity;
    },
    requests: () => [...kept],
  };
}

/** Subtracts the approximate size of a value from `bytes`; stops below 0. */
function bytesLeft(value: unknown, bytes: number): number {
  let left = bytes - 16;
  if (typeof value === 'string') return left - value.length;
  if (typeof value !== 'object' || value === null) return left;
  for (const part of Array.isArray(value) ? value : Object.values(value)) {
    if (left < 0) return left;
    left = bytesLeft(part, left);
  }
  return left;
}
