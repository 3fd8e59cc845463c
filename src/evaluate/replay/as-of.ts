/**
 * The value that was known at a row's time: the semantics of an as-of join, as a reference for those that a database makes. No value
 * from after the row ever enters it.
 */

export interface Timed {
  key: string;
  /** In any unit, the same everywhere. */
  time: number;
}

/**
 * For each row the latest value of its key at or before its time, and not older than `ttl` (an age equal to it counts); null where there
 * is none. Of several at one time the last given counts.
 *
 * @param ttl in the unit of the times. Default: any age
 */
export function asOfJoin<T>(
  rows: readonly Timed[],
  values: readonly (Timed & { value: T })[],
  ttl = Number.POSITIVE_INFINITY,
): (T | null)[] {
  const byKey = new Map<string, (Timed & { value: T })[]>();
  for (const one of values.toSorted((a, b) => a.time - b.time)) {
    const before = byKey.get(one.key);
    if (before === undefined) byKey.set(one.key, [one]);
    else before.push(one);
  }
  return rows.map(({ key, time }) => {
    const found = byKey.get(key)?.findLast((one) => one.time <= time);
    return found === undefined || time - found.time > ttl ? null : found.value;
  });
}
