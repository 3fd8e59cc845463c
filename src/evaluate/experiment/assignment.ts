/**
 * Which arm a unit is in: by a hash alone, so that every process and every day gives the same answer without a table. Hash, ranges and
 * namespaces are those GrowthBook publishes (docs.growthbook.io/lib/build-your-own), so its users keep their assignments.
 */

/** 2: FNV-1a of the decimal text of FNV-1a of seed + value, in steps of 1/10,000; 1: FNV-1a of value + seed, in steps of 1/1,000 (biased between experiments). */
export type HashVersion = 1 | 2;

/** A number in [0, 1) for a unit; null for an unknown version. */
export function bucketOf(seed: string, value: string, version: number): number | null {
  if (version === 2) return (fnv1a32(String(fnv1a32(seed + value))) % 10_000) / 10_000;
  if (version === 1) return (fnv1a32(value + seed) % 1000) / 1000;
  return null;
}

/** FNV-1a with 32 bits over UTF-16 code units, as in the published code; for ASCII these are the bytes. */
function fnv1a32(text: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

/** Half-open: from, to. */
export type Range = readonly [from: number, to: number];

export const inRange = (bucket: number, [from, to]: Range): boolean => bucket >= from && bucket < to;

/**
 * Ranges of the arms: each starts at its own cumulated weight, and coverage cuts its end. More coverage so adds units and moves none.
 *
 * @param weights shares that add up to 1 (to 0.01)
 * @param coverage share of all units in the experiment. Default 1
 */
export function armRanges(weights: readonly number[], coverage = 1): Range[] {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(Math.abs(total - 1) <= 0.01) || weights.some((weight) => !(weight >= 0)))
    throw new RangeError(`weights add up to 1, found ${weights.join(' + ')}`);
  if (!(coverage >= 0 && coverage <= 1)) throw new RangeError(`coverage is a share in [0, 1], found ${coverage}`);
  let start = 0;
  return weights.map((weight): Range => {
    const range: Range = [start, start + coverage * weight];
    start += weight;
    return range;
  });
}

export interface Assignment {
  key: string;
  /** What the hash begins with. Default the key; another seed draws all arms anew. */
  seed?: string;
  hashVersion: HashVersion;
  weights: readonly number[];
  /** Default 1. */
  coverage?: number;
  /** Experiments of one namespace with ranges apart never share a unit. */
  namespace?: { name: string; range: Range };
  /** Under which earlier assignments of a unit are looked up. Default 0. */
  bucketVersion?: number;
  /** Units that were assigned under an earlier version stay out. Default 0: none do. */
  minBucketVersion?: number;
}

export interface Assigned {
  arm: number;
  bucket: number;
}

/**
 * The arm of a unit; undefined where it takes no part: no unit, outside the namespace, not covered, or kept out by its version.
 *
 * @param earlier arms the unit had, by bucket version, where a store remembers them. Default none: the hash decides alone
 */
export function assign(
  experiment: Assignment,
  unit: string | null | undefined,
  earlier: ReadonlyMap<number, number> = new Map(),
): Assigned | undefined {
  if (unit === null || unit === undefined || unit === '') return undefined;
  const {
    key,
    seed = key,
    hashVersion,
    weights,
    coverage,
    namespace,
    bucketVersion = 0,
    minBucketVersion = 0,
  } = experiment;
  const bucket = bucketOf(seed, unit, hashVersion) as number;
  for (const version of earlier.keys()) if (version < minBucketVersion) return undefined;
  const kept = earlier.get(bucketVersion);
  if (kept !== undefined) return { arm: kept, bucket };
  if (namespace !== undefined && !inRange(bucketOf(`__${namespace.name}`, unit, 1) as number, namespace.range))
    return undefined;
  const arm = armRanges(weights, coverage).findIndex((range) => inRange(bucket, range));
  return arm < 0 ? undefined : { arm, bucket };
}
