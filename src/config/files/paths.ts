/** Which dotted paths a schema knows: what `--set` may set, and what a mistyped name probably meant. */
import type { z } from 'zod';
import { editDistance } from '../../base/nearest.ts';

type Schema = z.core.$ZodType;

/** Stands for the free key of a record or the index of a list. */
const ANY = '*';

/** Is there an option at this path? */
export const isKnownPath = (schema: Schema, path: string[]): boolean => at(schema, path).length > 0;

/** Of a part that comes in kinds, distinguished by `key`: the names of each kind's entries, by the kind. */
export function entriesByKind(schema: Schema, path: string[], key: string): Map<unknown, string[]> {
  const kinds = at(schema, path)
    .flatMap(alternatives)
    .flatMap((kind) => {
      const entries = children(kind);
      const named = entries.find(([name]) => name === key)?.[1] as z.core.$ZodTypes | undefined;
      const values = named?._zod.def.type === 'literal' ? named._zod.def.values : [];
      return values.map((value): [unknown, string[]] => [value, entries.map(([name]) => name)]);
    });
  return new Map(kinds);
}

/** Longer paths are like none: comparing takes time. */
const MOST_CHARACTERS = 300;

/** The known path that looks most like this one. */
export function nearestPath(schema: Schema, path: string): string {
  if (path.length > MOST_CHARACTERS) return knownPaths(schema)[0];
  const last = (dotted: string): string => dotted.slice(dotted.lastIndexOf('.') + 1);
  // A right name in the wrong place is nearer than a similar path.
  const score = (known: string): number => Math.min(distance(path, known), distance(last(path), last(known)) + 0.5);
  return knownPaths(schema).reduce((best, known) => (score(known) < score(best) ? known : best));
}

/** Every path, outer before inner; a record's free key is written `*`. */
function knownPaths(schema: Schema): string[] {
  const paths = alternatives(schema).flatMap((alternative) =>
    children(alternative).flatMap(([key, child]) => [key, ...knownPaths(child).map((path) => `${key}.${path}`)]),
  );
  return [...new Set(paths)];
}

/** The schemas of a value at a path, several where there is a union; none for an unknown path. */
function at(schema: Schema, path: string[]): Schema[] {
  if (path.length === 0) return [schema];
  const [key, ...rest] = path;
  const open = alternatives(schema).filter(isOpen);
  if (open.length > 0) return open;
  return alternatives(schema)
    .flatMap(children)
    .filter(([name]) => name === key || (name === ANY && key !== '__proto__'))
    .flatMap(([, child]) => at(child, rest));
}

/** What a schema may be once defaults, optionality and unions are looked through. */
function alternatives(schema: Schema): Schema[] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'default':
    case 'prefault':
    case 'optional':
    case 'nullable':
      return alternatives(def.innerType);
    case 'union':
      return def.options.flatMap(alternatives);
    default:
      return [schema];
  }
}

/** Takes whatever is written: what may stand below it, somebody else says. */
const isOpen = (schema: Schema): boolean => ['any', 'unknown'].includes((schema as z.core.$ZodTypes)._zod.def.type);

function children(schema: Schema): [string, Schema][] {
  const { def } = (schema as z.core.$ZodTypes)._zod;
  switch (def.type) {
    case 'object':
      return Object.entries(def.shape);
    case 'record':
      return [[ANY, def.valueType]];
    case 'array':
      return [[ANY, def.element]];
    case 'tuple':
      return def.items.map((item, i) => [String(i), item]);
    default:
      return [];
  }
}

/** Edits between two texts, case aside. */
const distance = (a: string, b: string): number => editDistance(a.toLowerCase(), b.toLowerCase());
