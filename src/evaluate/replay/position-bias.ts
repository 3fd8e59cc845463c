/** How much less a position is looked at than the first one. */

export interface RelativeExamination {
  /** Chance to be examined over that of the first position: [position]. */
  relative: number[];
  /** Standard error of ln relative; 0 for the first. */
  logRatioSe: number[];
}

/**
 * Under random order every position has the same items on average, so rates of clicks differ by examination alone. The error of a log
 * ratio is sqrt(1/c_k - 1/n_k + 1/c_1 - 1/n_1).
 */
export function randomisedExamination(impressions: readonly number[], clicks: readonly number[]): RelativeExamination {
  const rate = (k: number): number => clicks[k] / impressions[k];
  const variance = (k: number): number => 1 / clicks[k] - 1 / impressions[k];
  return {
    relative: impressions.map((_, k) => rate(k) / rate(0)),
    logRatioSe: impressions.map((_, k) => (k === 0 ? 0 : Math.sqrt(variance(k) + variance(0)))),
  };
}

/** Impressions and clicks of an item (of one query, if there are queries) at a position, from 0. */
export interface PositionCount {
  item: string;
  position: number;
  impressions: number;
  clicks: number;
}

export interface ExaminationModel {
  /** Chance to be examined, by position. */
  examination: number[];
  relative: number[];
  /** Chance of a click once examined, by item. */
  relevance: Record<string, number>;
}

/**
 * The position-based model click = examined x relevant, by EM (A. Chuklin, I. Markov, M. de Rijke: Click Models for Web Search, 2015; X. Wang
 * et al.: Position bias estimation for unbiased learning to rank in personal search, WSDM 2018). A last resort: examination and relevance are
 * known up to a factor only (`relative` is what can be used), and where no item was seen at several positions nothing is identified, which
 * `identified` tells.
 *
 * @param start where EM begins; it never leaves chances of 0
 */
export function examinationByEm(
  counts: readonly PositionCount[],
  start: { examination: readonly number[]; relevance: number },
  iterations: number,
): ExaminationModel {
  let examination = [...start.examination];
  let relevance = new Map(counts.map(({ item }) => [item, start.relevance]));
  for (let i = 0; i < iterations; i++) {
    const places = examination.map(() => ({ sum: 0, n: 0 }));
    const items = new Map([...relevance.keys()].map((item) => [item, { sum: 0, n: 0 }]));
    for (const { item, position, impressions, clicks } of counts) {
      const [e, r] = [examination[position], relevance.get(item) as number];
      // Without a click: examined but not relevant, or relevant but not examined.
      const rest = impressions === clicks ? 0 : (impressions - clicks) / (1 - e * r);
      add(places[position], clicks + rest * e * (1 - r), impressions);
      add(items.get(item) as Mean, clicks + rest * r * (1 - e), impressions);
    }
    examination = places.map(({ sum, n }, k) => (n === 0 ? examination[k] : sum / n));
    relevance = new Map([...items].map(([item, { sum, n }]) => [item, sum / n]));
  }
  return {
    examination,
    relative: examination.map((e) => e / examination[0]),
    relevance: Object.fromEntries(relevance),
  };
}

interface Mean {
  sum: number;
  n: number;
}
const add = (to: Mean, sum: number, n: number): void => {
  to.sum += sum;
  to.n += n;
};

/** Are the positions linked to the first one by items that were seen at several? Otherwise no method can compare them. */
export function identified(counts: readonly PositionCount[], positions: number): boolean {
  const reached = new Set([0]);
  for (let grown = true; grown; ) {
    const items = new Set(counts.filter(({ position }) => reached.has(position)).map(({ item }) => item));
    const before = reached.size;
    for (const { item, position } of counts) if (items.has(item)) reached.add(position);
    grown = reached.size > before;
  }
  return Array.from({ length: positions }, (_, k) => k).every((k) => reached.has(k));
}

/**
 * Intervention harvesting: rankers that served alternately put one item at two positions by chance of assignment, so the rates of clicks there
 * differ by examination alone. A. Agarwal, I. Zaitsev, X. Wang, C. Li, M. Najork, T. Joachims: Estimating position bias without intrusive
 * interventions, arXiv 1812.05161 (its adjacent chain). Neighbours without a shared item end the chain with NaN.
 *
 * @param counts of items that all rankers had a chance to place, with impressions that do not depend on what was clicked
 */
export function harvestedExamination(counts: readonly PositionCount[], positions: number): number[] {
  const rates = Array.from({ length: positions }, () => new Map<string, { rate: number; impressions: number }>());
  for (const { item, position, impressions, clicks } of counts)
    if (impressions > 0) rates[position].set(item, { rate: clicks / impressions, impressions });
  const relative = [1];
  for (let k = 1; k < positions; k++) {
    let [above, below] = [0, 0];
    for (const [item, here] of rates[k]) {
      const before = rates[k - 1].get(item);
      if (before === undefined) continue;
      // Items count by the impressions of their rarer place: others only add noise.
      const weight = Math.min(here.impressions, before.impressions);
      above += weight * here.rate;
      below += weight * before.rate;
    }
    relative.push((relative[k - 1] * above) / below);
  }
  return relative;
}
