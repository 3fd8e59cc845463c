/**
 * A share at any time: the beta-binomial mixture of S. R. Howard, A. Ramdas, J. McAuliffe, J. Sekhon: Time-uniform, nonparametric,
 * nonasymptotic confidence sequences, Annals of Statistics 49 (2021). Exact for 0/1 values from the first unit on.
 */
import { logBeta } from '../significance/special.ts';

export interface BernoulliOptions {
  /** Default 0.05. */
  alpha?: number;
  /** Trials at which the interval is tightest. */
  tOpt: number;
  /** Level at which it is tightest there. Default 0.05. */
  alphaOpt?: number;
}

/** All shares p that the data do not refute: the mixture's likelihood ratio against p is below 1 / alpha. */
export function bernoulliSequence(
  successes: number,
  trials: number,
  { alpha = 0.05, tOpt, alphaOpt = 0.05 }: BernoulliOptions,
): { low: number; high: number } {
  if (trials === 0) return { low: 0, high: 1 };
  const refuted = (p: number): boolean => logMixture(successes, trials, p, tOpt, alphaOpt) > -Math.log(alpha);
  const share = successes / trials;
  return { low: share === 0 ? 0 : edge(0, share, refuted), high: share === 1 ? 1 : edge(1, share, refuted) };
}

/** Where refutation ends between a refuted end and the observed share; the end itself where nothing near it is refuted. */
function edge(end: number, share: number, refuted: (p: number) => boolean): number {
  let [out, inside] = [end, share];
  for (let i = 0; i < 60; i++) {
    const middle = (out + inside) / 2;
    if (middle === out || middle === inside) break;
    if (refuted(middle)) out = middle;
    else inside = middle;
  }
  return Math.abs(inside - end) < 1e-12 ? end : inside;
}

/**
 * ln of the mixture over alternatives, a beta distribution around p with variance proxy r: B(a + failures', b + successes') / B(a, b)
 * over p^successes (1 - p)^failures. r is chosen as for the normal mixture that is tightest at variance p (1 - p) tOpt.
 */
function logMixture(successes: number, trials: number, p: number, tOpt: number, alphaOpt: number): number {
  const variance = p * (1 - p);
  const log = -2 * Math.log(alphaOpt);
  const r = Math.max((variance * tOpt) / (log + Math.log(1 + log)) - variance, 1e-3 * variance);
  const [failures, a, b] = [trials - successes, r / p, r / (1 - p)];
  return -successes * Math.log(p) - failures * Math.log1p(-p) + logBeta(a + failures, b + successes) - logBeta(a, b);
}
