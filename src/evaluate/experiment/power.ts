/** Before an experiment: how many units it takes, and what it can see. */
import { normalCritical, normalQuantile } from '../significance/distributions.ts';
import { type SequentialOptions, widthFactor } from './sequential.ts';

export interface PowerOptions {
  /** Default 0.05. */
  alpha?: number;
  /** Chance to find the effect where it exists. Default 0.8. */
  power?: number;
  /** Default 2. */
  sides?: 1 | 2;
}

/** z(alpha / sides) + z(1 - power). */
const distance = ({ alpha = 0.05, power = 0.8, sides = 2 }: PowerOptions): number =>
  normalCritical((2 * alpha) / sides) + normalQuantile(power);

/**
 * Units an arm to tell two shares apart: (z(alpha/2) sqrt(v0) + z(beta) sqrt(v1))^2 / (p2 - p1)^2 with v1 = p1 q1 + p2 q2 and v0 = v1, or,
 * pooled, 2 p q of the mean share (J. L. Fleiss: Statistical Methods for Rates and Proportions, section 3.2).
 */
export function unitsForShares(
  p1: number,
  p2: number,
  { pooled = false, ...options }: PowerOptions & { pooled?: boolean } = {},
): number {
  const { alpha = 0.05, power = 0.8, sides = 2 } = options;
  const mean = (p1 + p2) / 2;
  const v1 = p1 * (1 - p1) + p2 * (1 - p2);
  const v0 = pooled ? 2 * mean * (1 - mean) : v1;
  const z = normalCritical((2 * alpha) / sides) * Math.sqrt(v0) + normalQuantile(power) * Math.sqrt(v1);
  return (z / (p2 - p1)) ** 2;
}

/**
 * Units an arm to find a difference of means, with arms of equal size: 2 variance (z(alpha/2) + z(beta))^2 / effect^2. With CUPED the variance
 * is what the adjustment leaves; for a ratio metric it is that of `ratioMoments`.
 */
export const unitsForMeans = (variance: number, effect: number, options: PowerOptions = {}): number =>
  2 * variance * (distance(options) / effect) ** 2;

/** The effect that so many units an arm find with the wanted power. */
export const detectableEffect = (variance: number, perArm: number, options: PowerOptions = {}): number =>
  distance(options) * Math.sqrt((2 * variance) / perArm);

/**
 * Units an arm until a confidence sequence excludes 0 with the wanted power: its half width plus z(beta) standard errors fit into the
 * effect. An upper bound: sequences often stop earlier.
 */
export function unitsForSequence(
  variance: number,
  effect: number,
  { power = 0.8, ...options }: SequentialOptions & { power?: number } = {},
): number {
  const needed = (perArm: number): number =>
    (widthFactor(2 * perArm, options) + normalQuantile(power)) * Math.sqrt((2 * variance) / perArm);
  let low = 1;
  let high = 2;
  while (needed(high) > Math.abs(effect)) [low, high] = [high, 2 * high];
  while (high - low > 0.5) {
    const middle = (low + high) / 2;
    if (needed(middle) > Math.abs(effect)) low = middle;
    else high = middle;
  }
  return high;
}
