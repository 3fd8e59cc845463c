/**
 * Looking at any time: an asymptotic confidence sequence for the difference of two arms. The intervals of all looks cover the true
 * difference together with probability 1 - alpha, so one may stop when one holds enough.
 *
 * I. Waudby-Smith, D. Arbour, R. Sinha, E. H. Kennedy, A. Ramdas: Time-uniform central limit theory and asymptotic confidence
 * sequences, arXiv 2103.06476. With n units in both arms, s^2 = se^2 n and q = n rho^2 + 1, half the width is
 *   s sqrt(2 q ln(sqrt(q) / alpha) / (n rho)^2),    one-sided: ln(1 + sqrt(q) / (2 alpha)) in place of the logarithm.
 * It is a normal mixture: rho says at how many units it is tightest. Not for fewer than 100 units an arm, where the
 * central limit has not set in (`sequentialRefusal`).
 */
import type { Moments } from './moments.ts';
import { type Effect, type EffectOptions, effectOf } from './welch.ts';

/** Units in both arms at which sequences are tightest, unless a test says otherwise. */
const DEFAULT_TUNING = 5000;
/** Units of an arm below which nothing is concluded. */
const MINIMUM_UNITS = 100;

export interface SequentialOptions extends EffectOptions {
  /** Default 0.05. */
  alpha?: number;
  /** 2: an interval; 1: a lower and an upper bound, each with confidence 1 - alpha alone. Default 2. */
  sides?: 1 | 2;
  /** Units in both arms at which the sequence is tightest. Default 5000. */
  tuning?: number;
}

export interface SequentialTest extends Effect {
  rho: number;
  halfWidth: number;
  low: number;
  high: number;
  /**
   * ln of the e-value against no difference: the mixture's likelihood ratio rho^2 t / (2 q) - ln(q) / 2 with t = n estimate^2 / se^2.
   * E-values may be averaged, multiplied over independent data and read at any time.
   */
  logE: number;
  /** min(1, 1 / e), valid at any time. */
  p: number;
}

/** The confidence sequence at one look. */
export function sequentialTest(a: Moments, b: Moments, options: SequentialOptions = {}): SequentialTest {
  const effect = effectOf(a, b, options);
  const n = a.n + b.n;
  const rho = rhoOf(options);
  const halfWidth = effect.se * widthFactor(n, options);
  const q = n * rho ** 2 + 1;
  const t = effect.se === 0 ? 0 : n * (effect.estimate / effect.se) ** 2;
  const logE = (rho ** 2 * t) / (2 * q) - Math.log(q) / 2;
  const { estimate } = effect;
  const p = Math.min(1, Math.exp(-logE));
  return { ...effect, rho, halfWidth, low: estimate - halfWidth, high: estimate + halfWidth, logE, p };
}

/** Half the width of the sequence at n units, in standard errors of the estimate: 1.96 and more. */
export function widthFactor(n: number, options: SequentialOptions = {}): number {
  const { alpha = 0.05, sides = 2 } = options;
  const rho = rhoOf(options);
  const q = n * rho ** 2 + 1;
  const log = sides === 2 ? Math.log(Math.sqrt(q) / alpha) : Math.log1p(Math.sqrt(q) / (2 * alpha));
  return Math.sqrt((2 * q * log) / (n * rho ** 2));
}

/** Makes the sequence about tightest at `tuning` units: rho^2 = (-2 ln a + ln(1 - 2 ln a)) / tuning, one-sided with a = 2 alpha. */
function rhoOf({ alpha = 0.05, sides = 2, tuning = DEFAULT_TUNING }: SequentialOptions): number {
  const log = -2 * Math.log(sides === 2 ? alpha : 2 * alpha);
  return Math.sqrt((log + Math.log(1 + log)) / tuning);
}

/** Why nothing can be concluded yet; undefined where it can. */
export function sequentialRefusal(a: { n: number }, b: { n: number }): string | undefined {
  const smaller = Math.min(a.n, b.n);
  return smaller >= MINIMUM_UNITS
    ? undefined
    : `an arm has ${smaller} units, expected at least ${MINIMUM_UNITS}: the sequence holds for many units only`;
}
