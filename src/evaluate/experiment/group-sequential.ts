/**
 * A known maximum of units and a few planned looks: boundaries that spend alpha over the looks.
 *
 * K. K. G. Lan, D. L. DeMets: Discrete sequential boundaries for clinical trials, Biometrika 70 (1983). The recursive integration is
 * that of P. Armitage, C. K. McPherson, B. C. Rowe (JRSS A 132, 1969): the density of the sum S(t), a Brownian motion, among paths
 * that no earlier look stopped.
 */
import { normalBelow, normalCritical } from '../significance/distributions.ts';

/** How alpha is spent over the share t of the maximum; alpha(1) = alpha. */
export type Spending =
  | "O'Brien-Fleming" // 2 - 2 Phi(z(alpha / 2) / sqrt t): almost nothing early
  | 'Pocock' // alpha ln(1 + (e - 1) t): about evenly
  | { power: number } // alpha t^power
  | { hwangShihDeCani: number }; // alpha (1 - e^(-g t)) / (1 - e^(-g))

export interface BoundaryOptions {
  /** Default 0.05, over both sides. */
  alpha?: number;
  /** Default 2: |Z| stops; 1: Z stops. */
  sides?: 1 | 2;
  /** Default O'Brien-Fleming. */
  spending?: Spending;
}

export interface Boundaries {
  /** For each look: stop where |Z| (one-sided: Z) is at least this. */
  z: number[];
  /** Chance to have stopped by each look without a difference. */
  cumulativeAlpha: number[];
}

/**
 * Boundaries of looks.
 *
 * @param looks shares of the maximum information, rising, in (0, 1]
 */
export function lanDeMets(looks: readonly number[], options: BoundaryOptions = {}): Boundaries {
  checkLooks(looks);
  const { sides = 2 } = options;
  const z: number[] = [];
  const cumulativeAlpha: number[] = [];
  const paths = new Paths(sides, 0);
  let stopped = 0;
  for (const t of looks) {
    const target = Math.max(spent(t, options) - stopped, 0);
    paths.advance(t);
    const bound = paths.boundFor(target);
    stopped += paths.stop(bound);
    z.push(bound);
    cumulativeAlpha.push(stopped);
  }
  return { z, cumulativeAlpha };
}

/**
 * Chance to have stopped by each look when there is a difference.
 *
 * @param drift expected Z at the full maximum: effect over its standard error there; z(alpha/2) + z(beta) for a fixed test of power 1 - beta
 */
export function stoppingChances(
  looks: readonly number[],
  z: readonly number[],
  drift: number,
  sides: 1 | 2 = 2,
): number[] {
  checkLooks(looks);
  const paths = new Paths(sides, drift);
  let stopped = 0;
  return looks.map((t, i) => {
    paths.advance(t);
    stopped += paths.stop(z[i]);
    return stopped;
  });
}

/** Alpha spent by the share t of the maximum. Each side spends its part by the same function. */
export function spent(t: number, { alpha = 0.05, sides = 2, spending = "O'Brien-Fleming" }: BoundaryOptions): number {
  const side = alpha / sides;
  if (spending === "O'Brien-Fleming") return sides * 2 * normalBelow(-normalCritical(side) / Math.sqrt(t));
  if (spending === 'Pocock') return alpha * Math.log(1 + (Math.E - 1) * t);
  if ('power' in spending) return alpha * t ** spending.power;
  const { hwangShihDeCani: g } = spending;
  return g === 0 ? alpha * t : (alpha * Math.expm1(-g * t)) / Math.expm1(-g);
}

function checkLooks(looks: readonly number[]): void {
  if (looks.length === 0 || looks.some((t, i) => !(t > (looks[i - 1] ?? 0) && t <= 1)))
    throw new RangeError(`looks are rising shares of the maximum in (0, 1], found ${looks.join(', ')}`);
}

/** Standard errors beyond which no path is followed. */
const FAR = 9;

/** Paths of S(t) that have not stopped, as a density on a grid with Simpson's weights. */
class Paths {
  readonly #sides: 1 | 2;
  readonly #drift: number;
  #time = 0;
  /** Time since the grid was made. */
  #step = 0;
  #points = [0];
  /** Density times weight at each point. */
  #mass = [1];

  constructor(sides: 1 | 2, drift: number) {
    this.#sides = sides;
    this.#drift = drift;
  }

  advance(t: number): void {
    this.#step = t - this.#time;
    this.#time = t;
  }

  /** Chance that a path is at or beyond Z = bound now. */
  chanceBeyond(bound: number): number {
    const [edge, sd] = [bound * Math.sqrt(this.#time), Math.sqrt(this.#step)];
    const shift = this.#drift * this.#step;
    return this.#points.reduce((sum, from, i) => {
      const upper = normalBelow((from + shift - edge) / sd);
      const lower = this.#sides === 2 ? normalBelow((-from - shift - edge) / sd) : 0;
      return sum + this.#mass[i] * (upper + lower);
    }, 0);
  }

  /** The bound beyond which a path is with this chance; at most 40, which nothing reaches. */
  boundFor(chance: number): number {
    let [low, high] = [this.#sides === 2 ? 0 : -FAR, 40];
    for (let i = 0; i < 60; i++) {
      const middle = (low + high) / 2;
      if (this.chanceBeyond(middle) > chance) low = middle;
      else high = middle;
    }
    return high;
  }

  /** Ends the paths beyond the bound; returns how many that were. */
  stop(bound: number): number {
    const beyond = this.chanceBeyond(bound);
    const [root, sd] = [Math.sqrt(this.#time), Math.sqrt(this.#step)];
    const center = this.#drift * this.#time;
    const high = Math.min(bound * root, center + FAR * root);
    const low = this.#sides === 2 ? Math.max(-bound * root, center - FAR * root) : center - FAR * root;
    const panels = 2 * Math.ceil(Math.min(Math.max((high - low) / (sd / 12), 60), 1600) / 2);
    const h = (high - low) / panels;
    const points = Array.from({ length: panels + 1 }, (_, i) => low + i * h);
    const mass = points.map((to, i) => this.#density(to) * simpson(i, panels) * h);
    this.#points = points;
    this.#mass = mass;
    return beyond;
  }

  #density(to: number): number {
    const shift = this.#drift * this.#step;
    const scale = 1 / Math.sqrt(2 * Math.PI * this.#step);
    let sum = 0;
    for (let i = 0; i < this.#points.length; i++) {
      const square = (to - this.#points[i] - shift) ** 2 / this.#step;
      if (square < 200) sum += this.#mass[i] * Math.exp(-square / 2);
    }
    return sum * scale;
  }
}

const simpson = (i: number, panels: number): number => (i === 0 || i === panels ? 1 : i % 2 === 1 ? 4 : 2) / 3;
