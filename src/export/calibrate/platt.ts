/** Platt's calibration: a linear function of the logit. */
import type { Calibration } from '../../documents/artifact.ts';
import { sigmoid, softplus } from '../../evaluate/logloss.ts';
import type { Labelled } from './isotonic.ts';

const MOST_STEPS = 100;
const LEAST_RISE = 1e-4; // in log odds, over the span of the logits: less is the rounding of a fit whose best scale is 0

/**
 * Fits sigmoid(scale * logit + shift) by max likelihood, with Newton's method and step halving (Lin, Lin and Weng, 2007). Targets are
 * Platt's (1999): (P+1)/(P+2) for the P positives and 1/(N+2) for the N negatives, so separable classes give a finite scale. P and N
 * are sums of weights, and so is the likelihood.
 * Undefined if the fitted line does not rise, as when all rows are of one class.
 */
export function fitPlatt({ logits, labels, weights }: Labelled): Calibration | undefined {
  const rows = weights.reduce((sum, weight) => sum + weight, 0);
  const positives = weights.reduce((sum, weight, i) => sum + weight * labels[i], 0);
  const high = (positives + 1) / (positives + 2);
  const low = 1 / (rows - positives + 2);
  const target = (i: number): number => (labels[i] === 1 ? high : low);
  const lossAt = (scale: number, shift: number): number => {
    let loss = 0;
    for (let i = 0; i < logits.length; i++) {
      const z = scale * logits[i] + shift;
      loss += weights[i] * (softplus(z) - target(i) * z);
    }
    return loss;
  };
  let [scale, shift] = [1, 0];
  let loss = lossAt(scale, shift);
  for (let step = 0; step < MOST_STEPS; step++) {
    const move = newtonStep(logits, weights, target, scale, shift);
    let part = 1;
    let next = lossAt(scale + move.scale, shift + move.shift);
    while (next > loss && part > 1e-10) {
      part /= 2;
      next = lossAt(scale + part * move.scale, shift + part * move.shift);
    }
    if (!(next < loss)) break;
    scale += part * move.scale;
    shift += part * move.shift;
    const gained = loss - next;
    loss = next;
    if (gained < 1e-12 * rows) break;
  }
  const rises = scale * spanOf(logits) > LEAST_RISE;
  return rises && Number.isFinite(scale) && Number.isFinite(shift) ? { kind: 'platt', scale, shift } : undefined;
}

function spanOf(values: Float32Array): number {
  let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
  for (const value of values) {
    least = Math.min(least, value);
    most = Math.max(most, value);
  }
  return most - least;
}

/** The Newton step: minus the inverse Hessian times the gradient, in two dimensions. */
function newtonStep(
  logits: Float32Array,
  weights: Float32Array,
  target: (i: number) => number,
  scale: number,
  shift: number,
) {
  let [gScale, gShift] = [0, 0];
  let [hScale, hBoth, hShift] = [1e-12, 0, 1e-12]; // not singular if all logits are equal
  for (let i = 0; i < logits.length; i++) {
    const p = sigmoid(scale * logits[i] + shift);
    const slope = weights[i] * (p - target(i));
    const curve = weights[i] * p * (1 - p);
    gScale += slope * logits[i];
    gShift += slope;
    hScale += curve * logits[i] * logits[i];
    hBoth += curve * logits[i];
    hShift += curve;
  }
  const determinant = hScale * hShift - hBoth * hBoth;
  return {
    scale: -(hShift * gScale - hBoth * gShift) / determinant,
    shift: -(hScale * gShift - hBoth * gScale) / determinant,
  };
}
