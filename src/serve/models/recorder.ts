/** The last requests that were answered, in memory only: what the next artifact is warmed with and tried on. */
import type { RankRequest } from '../ranker/contract.ts';

/** Of large requests the first items: a few are enough to try an artifact, and memory stays small. */
const ITEMS = 100;

/** A request that takes more than about this many bytes is not kept. */
const BYTES = 256 * 1024;

export interface Recorder {
  /** `bytes`: of the body that the request came in. */
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

/** What is left of `bytes` after the texts and values of a value; stops below 0. */
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
