/** Values in messages. */

const LENGTH = 60;

/** JSON of a value, cut where long. The cost does not grow with the value. */
export function shown(value: unknown): string {
  const text = JSON.stringify(start(value, { left: LENGTH + 1 })) ?? String(value);
  return text.length > LENGTH ? `${text.slice(0, LENGTH - 3)}...` : text;
}

/** The first parts of a value: each is a character of JSON at least, so those left out would not be shown. */
function start(value: unknown, parts: { left: number }): unknown {
  parts.left--;
  if (typeof value === 'string') return value.length > LENGTH ? value.slice(0, LENGTH + 1) : value;
  if (typeof value !== 'object' || value === null || 'toJSON' in value) return value;
  if (Array.isArray(value)) {
    const list: unknown[] = [];
    for (let i = 0; i < value.length && parts.left > 0; i++) list.push(start(value[i], parts));
    return list;
  }
  const object: Record<string, unknown> = Object.create(null);
  for (const name in value) {
    if (parts.left <= 0) break;
    object[name] = start((value as Record<string, unknown>)[name], parts);
  }
  return object;
}
