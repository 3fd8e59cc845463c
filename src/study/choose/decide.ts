/**
 * The candidate with the highest mean AUC of validation rows, unless a cheaper one is as good: behind by at most `NEGLIGIBLE`, and by at
 * most one standard error of the difference (the rule of L. Breiman et al.: Classification and Regression Trees, 1984, section 3.4.3).
 */
import type { ChoiceDocument } from '../../documents/choice.ts';

/** A difference of AUC that is not worth the cost of serving a larger model. */
const NEGLIGIBLE = 0.002;

/** What the rule sees of a candidate. */
export interface Measured {
  model: string;
  /** To score a row. */
  multiplyAdds: number;
  /** Mean AUC of validation rows. */
  auc: number;
}

/** How far `of` is behind `best`: the difference of their mean AUC (not above 0) and its standard error. */
export type Behind = (of: Measured, best: Measured) => { difference: number; standardError: number } | undefined;

/** The candidate with the highest mean AUC; of equal ones the first. */
export const bestOf = <M extends Measured>(candidates: readonly M[]): M =>
  candidates.reduce((best, one) => (one.auc > best.auc ? one : best));

export function decide(
  candidates: readonly [Measured, ...Measured[]],
  behind: Behind,
): { model: string; because: ChoiceDocument['because'] } {
  if (candidates.length === 1) return { model: candidates[0].model, because: 'only' };
  const best = bestOf(candidates);
  const isEqual = (one: Measured): boolean => {
    const test = behind(one, best);
    return test !== undefined && -test.difference <= Math.min(NEGLIGIBLE, test.standardError);
  };
  const cheapest = candidates
    .filter((one) => one.multiplyAdds < best.multiplyAdds && isEqual(one))
    .sort((a, b) => a.multiplyAdds - b.multiplyAdds)[0];
  return cheapest === undefined
    ? { model: best.model, because: 'best' }
    : { model: cheapest.model, because: 'cheaper' };
}
