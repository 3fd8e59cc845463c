/** What a mistyped name most likely meant. */

/**
 * Edits (insert, remove, replace) between two texts: the Levenshtein distance. Above `most` the search ends early with some number
 * above it.
 */
export function editDistance(a: string, b: string, most = Number.POSITIVE_INFINITY): number {
  if (Math.abs(a.length - b.length) > most) return Math.abs(a.length - b.length);
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  let next = [...row];
  for (let i = 1; i <= a.length; i++) {
    next[0] = i;
    let least = i;
    for (let j = 1; j <= b.length; j++) {
      const replaced = row[j - 1] + (a.charCodeAt(i - 1) === b.charCodeAt(j - 1) ? 0 : 1);
      next[j] = Math.min(row[j] + 1, next[j - 1] + 1, replaced);
      if (next[j] < least) least = next[j];
    }
    if (least > most) return least;
    [row, next] = [next, row];
  }
  return row[b.length];
}

/** The known name with the fewest edits, letter case and punctuation aside; undefined if all take more than `most`. */
export function nearest(name: string, known: Iterable<string>, most = Number.POSITIVE_INFINITY): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let least = most;
  for (const candidate of known) {
    const distance = editDistance(wanted, plain(candidate), least);
    // The first of those that are equally near.
    if (distance > least || (best !== undefined && distance === least)) continue;
    best = candidate;
    least = distance;
  }
  return best;
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
