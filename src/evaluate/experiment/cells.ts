/** One effect in many cells (scenario x task): which cells stand out, and how much cells differ beyond chance. */
import { sum } from '../../base/numbers.ts';
import { chiSquareTail } from '../significance/distributions.ts';

/**
 * Benjamini and Hochberg's procedure for e-values: R. Wang, A. Ramdas: False discovery rate control with e-values, JRSS B 84 (2022).
 * Rejects the k largest for the greatest k whose k-th largest is at least K / (alpha k). Holds for any dependence, at any time.
 *
 * @returns positions of the rejected, in order
 */
export function eBenjaminiHochberg(e: readonly number[], alpha = 0.05): number[] {
  const order = e.map((_, i) => i).sort((i, j) => e[j] - e[i]);
  const last = order.findLastIndex((i, rank) => e[i] >= e.length / (alpha * (rank + 1)));
  return order.slice(0, last + 1).sort((i, j) => i - j);
}

export interface Heterogeneity {
  /** Mean of the effects, weighted by 1 / se^2, and its standard error. */
  pooled: number;
  sePooled: number;
  /** Cochran's Q: chi-square with cells - 1 degrees of freedom where all effects are equal. */
  Q: number;
  p: number;
  /** Share of the spread of the estimates that chance does not explain. */
  I2: number;
  /** Variance of the true effects over cells. */
  tau2_DerSimonianLaird: number;
  /** Effects drawn towards the mean by as much as their errors exceed the variance of the true effects. */
  shrunk: number[];
}

/**
 * Random effects over cells: R. DerSimonian, N. Laird: Meta-analysis in clinical trials, Controlled Clinical Trials 7 (1986). A
 * cell's effect x becomes (tau^2 x + se^2 pooled) / (tau^2 + se^2).
 */
export function heterogeneity(estimates: readonly number[], se: readonly number[]): Heterogeneity {
  const weights = se.map((s) => s ** -2);
  const total = sum(weights);
  const pooled = weightedMean(estimates, weights);
  const Q = sum(estimates.map((x, i) => weights[i] * (x - pooled) ** 2));
  const df = estimates.length - 1;
  const tau2 = df === 0 ? 0 : Math.max(0, (Q - df) / (total - sum(weights.map((w) => w ** 2)) / total));
  return {
    pooled,
    sePooled: Math.sqrt(1 / total),
    Q,
    p: df === 0 ? 1 : chiSquareTail(Q, df),
    I2: Q > 0 ? Math.max(0, (Q - df) / Q) : 0,
    tau2_DerSimonianLaird: tau2,
    shrunk: estimates.map((x, i) => (tau2 * x + se[i] ** 2 * pooled) / (tau2 + se[i] ** 2)),
  };
}

const weightedMean = (values: readonly number[], weights: readonly number[]): number =>
  sum(values.map((value, i) => value * weights[i])) / sum(weights);
