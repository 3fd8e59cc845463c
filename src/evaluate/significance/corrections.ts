/** p values of many comparisons at once, adjusted so that each can be held against the level by itself. */

/**
 * Sture Holm: A simple sequentially rejective multiple test procedure. Scandinavian Journal of Statistics 6 (1979). Bounds the
 * chance of any false discovery, however the tests depend on each other.
 */
const holm = (p: readonly number[]): number[] =>
  adjust(p, (sorted) => {
    let largest = 0;
    return sorted.map((value, i) => {
      largest = Math.max(largest, Math.min(1, (sorted.length - i) * value));
      return largest;
    });
  });

/**
 * Yoav Benjamini, Yosef Hochberg: Controlling the false discovery rate. Journal of the Royal Statistical Society B 57 (1995).
 * Bounds the expected share of false discoveries, for tests that are independent or depend positively.
 */
const benjaminiHochberg = (p: readonly number[]): number[] =>
  adjust(p, (sorted) => {
    let smallest = 1;
    return sorted
      .map((value, i): number => (sorted.length / (i + 1)) * value)
      .reduceRight<number[]>((adjusted, value) => {
        smallest = Math.min(smallest, value);
        adjusted.unshift(smallest);
        return adjusted;
      }, []);
  });

export const CORRECTIONS = { holm, 'benjamini-hochberg': benjaminiHochberg, none: (p: readonly number[]) => [...p] };

/** Adjusts the values in ascending order and puts the results back in their places. */
function adjust(p: readonly number[], ascending: (sorted: number[]) => number[]): number[] {
  const order = p.map((_, i) => i).sort((i, j) => p[i] - p[j]);
  const adjusted = ascending(order.map((i) => p[i]));
  const out = new Array<number>(p.length);
  order.forEach((i, rank) => {
    out[i] = adjusted[rank];
  });
  return out;
}
