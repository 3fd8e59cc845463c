/** Mean logistic loss on probabilities. */
import type { Metric } from './grid.ts';
import { missing, overRows, REASONS } from './metric.ts';

/** Probabilities closer to 0 or 1 than this are moved here, as scikit-learn does (float64's epsilon). */
const CLIP = 2 ** -52;

export const sigmoid = (logit: number): number => 1 / (1 + Math.exp(-logit));

/** log(1 + e^x) without overflow. The logistic loss of a logit z is softplus(z) - y z. */
export const softplus = (x: number): number => Math.max(x, 0) + Math.log1p(Math.exp(-Math.abs(x)));

const clip = (probability: number): number => Math.min(Math.max(probability, CLIP), 1 - CLIP);

/** Loss of a row with label 1, and with label 0, that was given this probability. */
export const lossIfPositive = (probability: number): number => -Math.log(clip(probability));
export const lossIfNegative = (probability: number): number => -Math.log1p(-clip(probability));

/** A sum whose rounding error does not grow with the number of terms (Neumaier, 1974). */
export class Sum {
  private total = 0;
  private lost = 0;

  add(term: number): void {
    const next = this.total + term;
    this.lost += Math.abs(this.total) >= Math.abs(term) ? this.total - next + term : term - next + this.total;
    this.total = next;
  }

  get value(): number {
    return this.total + this.lost;
  }
}

/** Mean logistic loss. Rows with a NaN label are left out; labels are 0 or 1. */
export function logloss(probabilities: ArrayLike<number>, labels: ArrayLike<number>): Metric {
  const sum = new Sum();
  let rows = 0;
  for (let i = 0; i < labels.length; i++) {
    if (Number.isNaN(labels[i])) continue;
    if (Number.isNaN(probabilities[i])) return missing(REASONS.notANumber);
    sum.add(labels[i] === 1 ? lossIfPositive(probabilities[i]) : lossIfNegative(probabilities[i]));
    rows++;
  }
  return overRows(rows, () => sum.value / rows);
}
