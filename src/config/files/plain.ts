/** What a configuration file gave, as plain data: a module may export anything. */
import { isProxy } from 'node:util/types';

const MOST_LEVELS = 100;
/** Values in all, those of repeated parts each time: schemas, layers and reports walk them. */
const MOST_VALUES = 1_000_000;

/** A copy that consists of objects, lists, texts, numbers, truth values and null. Entries that are undefined are left out. */
export function plainCopy(value: unknown): { value: unknown } | { path: string; message: string } {
  let count = 0;
  const copy = (value: unknown, path: string, level: number): unknown => {
    if (++count > MOST_VALUES) throw new NotPlain('', `more than ${MOST_VALUES} values in all`);
    if (level > MOST_LEVELS) throw new NotPlain(path, `nested deeper than ${MOST_LEVELS} levels`);
    if (value === null || ['string', 'number', 'boolean', 'undefined'].includes(typeof value)) return value;
    const isData = typeof value === 'object' && !isProxy(value);
    if (isData && Array.isArray(value)) {
      if (value.length > MOST_VALUES) throw new NotPlain(path, `more than ${MOST_VALUES} entries`);
      return Array.from(value, (entry, i) => copy(entry, inside(path, String(i)), level + 1));
    }
    const prototype = isData ? Object.getPrototypeOf(value) : undefined;
    // Modules run in a context of their own: their objects have another Object.prototype.
    if (isData && (prototype === null || Object.getPrototypeOf(prototype) === null)) {
      const entries = Object.entries(value as object).flatMap(([key, entry]) =>
        entry === undefined ? [] : [[key, copy(entry, inside(path, key), level + 1)]],
      );
      return Object.fromEntries(entries);
    }
    throw new NotPlain(path, `expected text, a number, true, false, null, a list or an object, found ${nameOf(value)}`);
  };
  try {
    return { value: copy(value, '', 0) };
  } catch (cause) {
    if (cause instanceof NotPlain) return { path: cause.path, message: cause.message };
    // A getter that throws.
    return { path: '', message: `it cannot be read: ${String((cause as Error | undefined)?.message ?? cause)}` };
  }
}

class NotPlain extends Error {
  readonly path: string;
  constructor(path: string, message: string) {
    super(message);
    this.path = path;
  }
}

const inside = (path: string, key: string): string => (path === '' ? key : `${path}.${key}`);

function nameOf(value: unknown): string {
  if (typeof value !== 'object' || value === null) return `a ${typeof value}`;
  return isProxy(value)
    ? 'a proxy'
    : `a ${(value.constructor as { name?: string } | undefined)?.name || 'special object'}`;
}
