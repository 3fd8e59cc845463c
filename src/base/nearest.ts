/** Finds the known name that a mistyped name most likely means. */

/**
 * Edits (insert, remove, replace) between two texts: the Levenshtein distance. If it exceeds `max`, the search ends early with some
 * number above `max`.
 */
export function editDistance(a: string, b: string, max = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > max) return Math.abs(a.length - b.length);
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  let next = [...row];
  for (let i = 1; i <= a.length; i++) {
    next[0] = i;
    let min = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, replaced);
      if (next[j] < min) min = next[j];
    }
    if (min > max) return min;
    [row, next] = [next, row];
  }
  return row[b.length];
}

/** The known name with the fewest edits, ignoring letter case and punctuation; undefined if all need more than `max`. */
export function nearest(name: string, known: Iterable<string>, max = Number.POSITIVE_INFINITY): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let min = max;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate), min);
    // The first of several equally near names wins.
    if (distance > min || (best !== undefined && distance === min)) continue;
    best = candidate;
    min = distance;
  }
  return best;
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
