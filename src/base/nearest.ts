/** What a mistyped name most likely meant. */

/** Edits (insert, remove, replace) between two texts: the Levenshtein distance. */
export function editDistance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const next = [i];
    for (let j = 1; j <= b.length; j++)
      next.push(Math.min(row[j] + 1, next[j - 1] + 1, row[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1)));
    row = next;
  }
  return row[b.length];
}

/** The known name with the fewest edits, letter case and punctuation aside; undefined if all take more than `most`. */
export function nearest(name: string, known: readonly string[], most = Number.POSITIVE_INFINITY): string | undefined {
  const wanted = plain(name);
  let best: string | undefined;
  let edits = Number.POSITIVE_INFINITY;
  for (const candidate of known) {
    const other = plain(candidate);
    // Each character more or less is an edit: most candidates need no comparison.
    if (Math.abs(other.length - wanted.length) >= edits) continue;
    const distance = editDistance(wanted, other);
    if (distance >= edits) continue;
    [best, edits] = [candidate, distance];
  }
  return edits <= most ? best : undefined;
}

const plain = (text: string): string => text.toLowerCase().replace(/[^a-z0-9]/g, '');
