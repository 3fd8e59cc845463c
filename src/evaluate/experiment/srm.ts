/** Is the assignment broken? Sample ratio mismatch: arms whose units do not come in the shares that were set. */
import { sum } from '../../base/numbers.ts';
import { chiSquareTail } from '../significance/distributions.ts';
import { logGamma } from '../significance/special.ts';

/** p below which an assignment counts as broken. */
export const SRM_LEVEL = 0.001;

/**
 * Pearson's chi-square test of counts against weights, at one look. p comes from the upper tail, so that small ones keep their digits.
 * An arm without weight takes no part, unless it has units: then nothing can explain them and p is 0. No units at all: p is 1.
 *
 * @param weights shares of the arms, of any sum
 */
export function srmTest(counts: readonly number[], weights: readonly number[]): { chi2: number; p: number } {
  const shares = sharesOf(weights, counts.length);
  const total = counts.reduce((sum, n) => sum + n, 0);
  const arms = shares.flatMap((share, i) =>
    share > 0 || counts[i] > 0 ? [{ found: counts[i], expected: share * total }] : [],
  );
  if (total === 0 || arms.length < 2) return { chi2: 0, p: 1 };
  const chi2 = arms.reduce((sum, { found, expected }) => sum + (found - expected) ** 2 / expected, 0);
  return { chi2, p: chiSquareTail(chi2, arms.length - 1) };
}

export interface SequentialSrm {
  /** ln of the Bayes factor against the weights. */
  logBayesFactor: number;
  /** min(1, 1 / Bayes factor); the least of all looks may be used. */
  p: number;
}

/** Weight of the default prior: as if so many units had come in the set shares before. */
const CONCENTRATION = 10_000;

/**
 * The multinomial test at any time: M. Lindon, A. Malek: Anytime-valid inference for multinomial count data, arXiv 2011.03567. The
 * Bayes factor of Dirichlet-distributed shares against the set ones is a martingale, so P(p ever below a) <= a.
 *
 * @param dirichlet parameters of the prior. Default 10,000 times the weights: strong, since faults of assignment are small
 */
export function sequentialSrm(
  counts: readonly number[],
  weights: readonly number[],
  dirichlet: readonly number[] = defaultPrior(weights),
): SequentialSrm {
  const { mixture, fixed } = marginals(counts, weights, dirichlet);
  const logBayesFactor = mixture - fixed;
  return { logBayesFactor, p: Math.min(1, Math.exp(-logBayesFactor)) };
}

export interface SrmLook {
  /** ln of the marginal likelihood with Dirichlet shares, and with the set ones. */
  mixture: number;
  fixed: number;
  /** Least p so far. */
  p: number;
}

/**
 * The same after each of several batches.
 *
 * @param stream new units of each arm, batch by batch
 */
export function sequentialSrmStream(
  stream: readonly (readonly number[])[],
  weights: readonly number[],
  dirichlet: readonly number[] = defaultPrior(weights),
): SrmLook[] {
  const counts = weights.map(() => 0);
  let p = 1;
  return stream.map((batch) => {
    batch.forEach((n, arm) => {
      counts[arm] += n;
    });
    const look = marginals(counts, weights, dirichlet);
    p = Math.min(p, Math.exp(look.fixed - look.mixture));
    return { ...look, p };
  });
}

/** Marginal likelihoods of a sequence of units with these counts. */
function marginals(
  counts: readonly number[],
  weights: readonly number[],
  dirichlet: readonly number[],
): { mixture: number; fixed: number } {
  const shares = sharesOf(weights, counts.length);
  const prior = sum(dirichlet);
  const ofArms = counts.map((n, i) => (n === 0 ? 0 : logGamma(dirichlet[i] + n) - logGamma(dirichlet[i])));
  return {
    mixture: sum(ofArms) - (logGamma(prior + sum(counts)) - logGamma(prior)),
    fixed: sum(counts.map((n, i) => (n === 0 ? 0 : n * Math.log(shares[i])))),
  };
}

const defaultPrior = (weights: readonly number[]): number[] =>
  sharesOf(weights, weights.length).map((share) => CONCENTRATION * share);

function sharesOf(weights: readonly number[], arms: number): number[] {
  if (weights.length !== arms) throw new RangeError(`${arms} arms have ${weights.length} weights`);
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  if (!(total > 0) || weights.some((weight) => !(weight >= 0)))
    throw new RangeError(`weights are numbers of 0 or more, not all 0; found ${weights.join(', ')}`);
  return weights.map((weight) => weight / total);
}

/** Share of units seen in several arms beyond which a result is refused. */
const SEVERAL_ARMS_LIMIT = 0.01;

/**
 * Units that were seen in more than one arm: they belong to none, and are left out. Beyond 1 % the assignment is broken.
 *
 * @param arms for each unit, the arms it was seen in
 */
export function unitsInSeveralArms(arms: Iterable<{ size: number }>): {
  units: number;
  several: number;
  share: number;
  broken: boolean;
} {
  let units = 0;
  let several = 0;
  for (const { size } of arms) {
    if (size > 0) units++;
    if (size > 1) several++;
  }
  const share = units === 0 ? 0 : several / units;
  return { units, several, share, broken: share > SEVERAL_ARMS_LIMIT };
}
