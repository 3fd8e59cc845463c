/**
 * The tree-structured Parzen estimator (Bergstra et al. 2011, section 4): the best of the known trials make a density l, all
 * others a density g, and of some points drawn from l the one with the largest l / g is tried next, since that point's expected
 * improvement is the largest. Densities are over whole points, so that what goes well together is found together, with the
 * bandwidths that Watanabe (2023, arXiv 2304.11127) finds robust.
 */
import type { Random } from '../../base/random.ts';
import { normalBelow } from '../../evaluate/significance/index.ts';
import type { Dimension, Point, Space } from './space.ts';

/** Share of the known trials that count as good. */
const GOOD = 0.15;
const CANDIDATES = 24;

export interface KnownPoint {
  point: Point;
  /** Smaller is better; Infinity for a trial that failed. */
  loss: number;
}

/**
 * Points to try next, the most promising first.
 *
 * @param pending points in trial now: they count as poor, so that parallel trials differ
 */
export function tpeCandidates(
  space: Space,
  known: readonly KnownPoint[],
  pending: readonly Point[],
  generator: Random,
): Point[] {
  const ranked = [...known].sort((a, b) => (a.loss === b.loss ? 0 : a.loss - b.loss)); // Infinity - Infinity is NaN, so equal losses are compared first
  const cut = Math.ceil(GOOD * ranked.length);
  const isGood = ({ loss }: KnownPoint, rank: number): boolean => rank < cut && loss < Infinity;
  const good = mixture(
    space,
    ranked.filter(isGood).map(({ point }) => point),
  );
  const poor = mixture(space, [
    ...ranked.filter((trial, rank) => !isGood(trial, rank)).map(({ point }) => point),
    ...pending,
  ]);
  const drawn = Array.from({ length: CANDIDATES }, () => good.draw(generator));
  const scored = drawn.map((point) => ({ point, score: good.logDensity(point) - poor.logDensity(point) }));
  return scored.sort((a, b) => b.score - a.score).map(({ point }) => point);
}

interface Mixture {
  draw(generator: Random): Point;
  logDensity(point: Point): number;
}

/** Equal parts: a kernel around each centre, and one that is flat over the space. */
function mixture({ dimensions, point }: Space, centres: readonly Point[]): Mixture {
  const bandwidth = bandwidthOf(centres.length, dimensions.length);
  const kernels = dimensions.map((dimension) => kernelOf(dimension, bandwidth, centres.length));
  const flat: Point = dimensions.map(() => undefined);
  const parts = [...centres, flat];
  return {
    draw(generator) {
      const centre = parts[generator.below(parts.length)];
      return point((_, d) => kernels[d].draw(centre[d], generator));
    },
    logDensity(at) {
      const logs = parts.map((centre) =>
        kernels.reduce((sum, { density }, d) => {
          const coordinate = at[d];
          return coordinate === undefined ? sum : sum + Math.log(density(coordinate, centre[d]));
        }, 0),
      );
      const most = Math.max(...logs);
      return most + Math.log(logs.reduce((sum, log) => sum + Math.exp(log - most), 0) / parts.length);
    },
  };
}

/** Scott's rule on a fifth of the range, with a lower bound that keeps few trials from dominating. */
const bandwidthOf = (centres: number, dimensions: number): number =>
  Math.max(0.2 * Math.max(1, centres) ** (-1 / (dimensions + 4)), 1 / Math.min(100, centres + 2));

/** The density of one dimension around a centre; uniform without one (the flat part, or a trial without the dimension). */
interface Kernel {
  density(coordinate: number, centre: number | undefined): number;
  draw(centre: number | undefined, generator: Random): number;
}

const kernelOf = ({ choices }: Dimension, bandwidth: number, centres: number): Kernel =>
  choices === undefined ? rangeKernel(bandwidth) : choiceKernel(choices, centres);

/** A normal density, cut off at the ends of the range. */
function rangeKernel(bandwidth: number): Kernel {
  /** Share of the density that lies within the range, by centre: each is asked for once per candidate. */
  const shares = new Map<number, number>();
  const shareOf = (centre: number): number => {
    const known = shares.get(centre);
    if (known !== undefined) return known;
    const share = normalBelow((1 - centre) / bandwidth) - normalBelow(-centre / bandwidth);
    shares.set(centre, share);
    return share;
  };
  return {
    density(coordinate, centre) {
      if (centre === undefined) return 1;
      const scale = bandwidth * Math.sqrt(2 * Math.PI) * shareOf(centre);
      return Math.exp(-0.5 * ((coordinate - centre) / bandwidth) ** 2) / scale;
    },
    draw(centre, generator) {
      if (centre === undefined) return generator.uniform();
      for (;;) {
        const coordinate = centre + bandwidth * generator.normal();
        if (coordinate >= 0 && coordinate <= 1) return coordinate;
      }
    },
  };
}

/** Favours the centre's choice; the more trials are known, the smaller the weight of the others. */
function choiceKernel(choices: number, centres: number): Kernel {
  const other = 1 / (centres + 1 + choices);
  const same = 1 - (choices - 1) * other;
  return {
    density: (coordinate, centre) => (centre === undefined ? 1 / choices : coordinate === centre ? same : other),
    draw(centre, generator) {
      if (centre === undefined || generator.uniform() < choices * other) return generator.below(choices);
      return centre;
    },
  };
}
