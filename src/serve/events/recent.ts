/** The last ids, in bounded memory: two generations, of which the older one is dropped when the younger one is full. */
export interface RecentIds {
  has(id: string): boolean;
  add(id: string): void;
  delete(id: string): void;
}

/** Remembers between half of `most` and `most` ids. */
export function createRecentIds(most: number): RecentIds {
  let young = new Set<string>();
  let old = new Set<string>();
  return {
    has: (id) => young.has(id) || old.has(id),
    add(id) {
      if (young.size >= most / 2) {
        old = young;
        young = new Set();
      }
      young.add(id);
    },
    delete(id) {
      young.delete(id);
      old.delete(id);
    },
  };
}
