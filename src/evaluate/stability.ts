/** How much a population differs from another one. */

/** Smaller shares count as this one: the logarithm of 0 would let one unseen token outweigh all others. */
const LEAST_SHARE = 1e-4;

/**
 * Population stability index of counts against shares: sum of (o - e) ln(o / e). By custom below 0.1 is the same population,
 * above 0.25 another one. 0 where nothing was counted.
 */
export function stabilityIndex(counts: readonly number[], expected: readonly number[]): number {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return 0;
  return counts.reduce((sum, count, i) => {
    const o = Math.max(count / total, LEAST_SHARE);
    const e = Math.max(expected[i], LEAST_SHARE);
    return sum + (o - e) * Math.log(o / e);
  }, 0);
}
