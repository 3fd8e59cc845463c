/** Configurations in layers: later ones win, and `--set path=value` wins over all. */
import type { z } from 'zod';
import { isRecord, parseJson } from '../../base/json.ts';
import { entriesByKind, isKnownPath } from './paths.ts';
import { type Problem, unknownOption } from './problems.ts';

type Layer = Record<string, unknown>;

/** `upper` over `lower`. Objects merge key by key, except where their `kind` differs: that is another thing, not a change of it. */
export function merge(lower: unknown, upper: unknown): unknown {
  if (upper === undefined) return lower;
  if (!isRecord(lower) || !isRecord(upper) || (upper.kind !== undefined && upper.kind !== lower.kind)) return upper;
  const keys = new Set([...Object.keys(lower), ...Object.keys(upper)]);
  return Object.fromEntries([...keys].map((key) => [key, merge(own(lower, key), own(upper, key))]));
}

/** One `--set`: a dotted path, and a value that is JSON where it parses and text otherwise. */
export interface Setting {
  path: string[];
  value: unknown;
}

/** A longer path would make values nested deeper than any option. */
const MOST_CHARACTERS = 300;

/** Reads `--set` texts; those without `=` or with an unknown path become problems. */
export function parseSettings(
  texts: readonly string[],
  schema: z.core.$ZodType,
): { settings: Setting[]; problems: Problem[] } {
  const settings: Setting[] = [];
  const problems: Problem[] = [];
  for (const text of texts) {
    const [, dotted, value] = /^([^=]*)=(.*)$/s.exec(text) ?? [];
    if (dotted === undefined) problems.push({ path: text, message: 'expected path=value' });
    else if (!isKnownPath(schema, dotted.split('.')) || dotted.length > MOST_CHARACTERS)
      problems.push(unknownOption(dotted, schema));
    else settings.push({ path: dotted.split('.'), value: parseValue(value) });
  }
  return { settings, problems };
}

/**
 * The configuration with settings applied; the given one is left alone. Where a setting changes the kind of a part
 * (`split.kind`), entries of the configuration that belong to its old kind alone go.
 */
export function applySettings(config: unknown, settings: readonly Setting[], schema: z.core.$ZodType): unknown {
  const ready = settings.reduce<unknown>((value, setting) => ofNewKind(value, setting, schema), config);
  return settings.reduce<unknown>((value, { path, value: set }) => withValue(value, path, set), ready);
}

/** The configuration without the entries that the kind set has no place for, and the old one has. */
function ofNewKind(config: unknown, { path, value }: Setting, schema: z.core.$ZodType): unknown {
  const place = path.slice(0, -1);
  const key = path[path.length - 1];
  const part = place.reduce<unknown>(inside, config);
  if (!isRecord(part) || own(part, key) === undefined || own(part, key) === value) return config;
  const entries = entriesByKind(schema, place, key);
  const [before, after] = [entries.get(own(part, key)), entries.get(value)];
  if (before === undefined || after === undefined) return config;
  const left = Object.entries(part).filter(([name]) => after.includes(name) || !before.includes(name));
  return withValue(config, place, Object.fromEntries(left));
}

const inside = (holder: unknown, key: string): unknown =>
  Array.isArray(holder)
    ? Object.hasOwn(holder, key)
      ? holder[Number(key)]
      : undefined
    : isRecord(holder)
      ? own(holder, key)
      : undefined;

function withValue(holder: unknown, [key, ...rest]: string[], value: unknown): unknown {
  if (key === undefined) return value;
  if (Array.isArray(holder) && Object.hasOwn(holder, key))
    return holder.with(Number(key), withValue(holder[Number(key)], rest, value));
  const object: Layer = isRecord(holder) ? holder : {};
  return { ...object, [key]: withValue(own(object, key), rest, value) };
}

/** The value of a `--set`: JSON where it parses, text otherwise. */
export function parseValue(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return text;
  }
}

const own = (object: Layer, key: string): unknown => (Object.hasOwn(object, key) ? object[key] : undefined);
