/** The last requests that were answered, in memory only: what the next artifact is warmed with and tried on. */
import type { RankRequest } from './contract.ts';

/** Of large requests the first items: a few are enough to try an artifact, and memory stays small. */
const ITEMS = 100;

export interface Recorder {
  add(request: RankRequest): void;
  requests(): RankRequest[];
}

export function createRecorder(capacity: number): Recorder {
  const kept: RankRequest[] = [];
  let next = 0;
  return {
    add(request) {
      if (capacity === 0) return;
      const { items } = request;
      kept[next] = items.length > ITEMS ? { ...request, items: items.slice(0, ITEMS) } : request;
      next = (next + 1) % capacity;
    },
    requests: () => [...kept],
  };
}
