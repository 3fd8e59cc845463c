/** Can the assignment be trusted? Each check says what it found; one that is broken decides the verdict. */

import type { Metric } from '../config/experiment/metric.ts';
import type { ExperimentConfig } from '../config/experiments.ts';
import type { ExperimentCheck } from '../documents/experiment/report.ts';
import {
  adjustedMoments,
  armRanges,
  bucketOf,
  inRange,
  type JointSums,
  SRM_LEVEL,
  sequentialSrm,
  sequentialTest,
  srmTest,
} from '../evaluate/experiment/index.ts';

const percent = (share: number): string => `${Number((100 * share).toPrecision(3))} %`;
const small = (p: number): string => (p < 1e-4 ? p.toExponential(1) : String(Number(p.toPrecision(2))));

/** New units of each arm, day by day. */
export interface Arrivals {
  arms: readonly string[];
  weights: readonly number[];
  /** [day][arm] */
  days: readonly (readonly number[])[];
}

/**
 * Do arms have the shares of units that were set? Looked at every day the chi-square test would be wrong too often, so the sequential one
 * decides, unless looks are planned: then there are few.
 */
export function checkUnits({ arms, weights, days }: Arrivals, isPlanned: boolean): ExperimentCheck[] {
  const counts = arms.map((_, i) => days.reduce((sum, day) => sum + day[i], 0));
  const total = counts.reduce((sum, n) => sum + n, 0);
  const weight = weights.reduce((sum, w) => sum + w, 0);
  const shares = arms
    .map((arm, i) => `${arm} ${counts[i]} of ${Math.round((total * weights[i]) / weight)} expected`)
    .join(', ');
  const always = anyTimeSrm(days, weights);
  const { p: now } = srmTest(counts, weights);
  const state = (p: number, decides: boolean): ExperimentCheck['state'] =>
    p >= SRM_LEVEL ? 'sound' : decides ? 'broken' : 'look';
  const found = (p: number): string =>
    p < SRM_LEVEL ? 'do not come in the shares that were set' : 'come in the shares that were set';
  return [
    {
      check: 'units at any time',
      state: state(always, true),
      sentence: `SRM: units ${found(always)}: ${shares}; p = ${small(always)} over all days`,
      p: always,
    },
    {
      check: 'units now',
      state: state(now, isPlanned),
      sentence: `SRM: units ${found(now)} by one chi-square test: p = ${small(now)}${now < SRM_LEVEL && !isPlanned ? '; it may be chance, since one may look often: look for a fault' : ''}`,
      p: now,
    },
  ];
}

/** Priors from "a large fault" to "a small one", as if so many units had come in the set shares before. */
const CONCENTRATIONS = [10, 100, 1000, 10_000];

/**
 * The least p over all days. A prior for small faults hardly sees large ones while units are few, so it is the mean of the Bayes factors of
 * several priors: a mean of martingales is one, and P(p ever below a) <= a still holds.
 *
 * @param days new units, [day][arm]
 */
export function anyTimeSrm(days: readonly (readonly number[])[], weights: readonly number[]): number {
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  const counts = weights.map(() => 0);
  let p = 1;
  for (const day of days) {
    day.forEach((n, arm) => {
      counts[arm] += n;
    });
    const factors = CONCENTRATIONS.map((concentration) => {
      const prior = weights.map((weight) => (concentration * weight) / total);
      return sequentialSrm(counts, weights, prior).logBayesFactor;
    });
    const most = Math.max(...factors);
    const mean = factors.reduce((sum, factor) => sum + Math.exp(factor - most), 0) / factors.length;
    p = Math.min(p, Math.exp(-most) / mean);
  }
  return p;
}

/** Share of units in several arms beyond which nothing can be concluded. */
const SEVERAL = 0.01;

export function checkSeveralArms({ units, several }: { units: number; several: number }): ExperimentCheck {
  const share = units === 0 ? 0 : several / units;
  return {
    check: 'units in several arms',
    state: share > SEVERAL ? 'broken' : several > 0 ? 'look' : 'sound',
    sentence: `${several} of ${units} units (${percent(share)}) were in several arms and are left out${share > SEVERAL ? `: more than ${percent(SEVERAL)}` : ''}`,
    p: null,
  };
}

/** Did arms differ before anything was different? By the sequence, since units come day by day. */
export function checkBefore(
  metrics: readonly Metric[],
  pairs: readonly { arm: string; control: readonly JointSums[]; treatment: readonly JointSums[] }[],
): ExperimentCheck | undefined {
  const tests = pairs.flatMap(({ arm, control, treatment }) =>
    metrics.flatMap(({ name }, k) => {
      const [a, b] = [earlier(control[k]), earlier(treatment[k])];
      if (a === undefined || b === undefined) return [];
      const { p, se } = sequentialTest(a, b);
      return se > 0 && Math.min(a.n, b.n) >= 100 ? [{ arm, name, p, a: a.mean, b: b.mean }] : [];
    }),
  );
  if (tests.length === 0) return undefined;
  const least = tests.reduce((best, test) => (test.p < best.p ? test : best));
  const p = Math.min(1, least.p * tests.length);
  const values = `${least.name} of ${least.arm} ${Number(least.b.toPrecision(3))}, of the control ${Number(least.a.toPrecision(3))}`;
  return {
    check: 'before the experiment',
    state: p < SRM_LEVEL ? 'broken' : 'sound',
    sentence: `${p < SRM_LEVEL ? 'arms differed before the experiment began' : 'arms were alike before the experiment began'}: ${values}, p = ${small(p)}`,
    p,
  };
}

/** Moments of the metric in the time before. */
function earlier({ n, sums, products }: JointSums) {
  if (sums[3] <= 0) return undefined;
  const swapped: JointSums = {
    n,
    sums: [sums[2], sums[3], 0, 0],
    products: [
      [products[2][2], products[2][3], 0, 0],
      [products[3][2], products[3][3], 0, 0],
      [0, 0, 0, 0],
      [0, 0, 0, 0],
    ],
  };
  return adjustedMoments(swapped, swapped).a;
}

/** Units that were known before the experiment, by the arm that their hash puts them in, and those that were seen in it. */
export interface Returned {
  known: number[];
  back: number[];
}

/**
 * The coverage that the log shows. That of now may be less: after a roll back it is 0.
 *
 * @param highest bucket of each arm
 */
function coverageReached(weights: readonly number[], highest: readonly number[]): number {
  const starts = armRanges(weights, 1).map(([from]) => from);
  const reached = highest.map((bucket, i) => (bucket < starts[i] ? 0 : (bucket - starts[i]) / weights[i]));
  return Math.min(1, Math.max(...reached));
}

/**
 * Counts one unit after another. Until its first answer nothing differs between arms, so equal shares of those who were known before come
 * back; a loss shows far earlier here than in the numbers of units, since these hardly vary.
 *
 * @param highest bucket of each arm's units
 */
export function countReturned(config: ExperimentConfig, highest: readonly number[]) {
  const arms = Object.keys(config.arms);
  const weights = config.weights ?? arms.map(() => 1 / arms.length);
  const ranges = armRanges(weights, coverageReached(weights, highest));
  const returned: Returned = { known: arms.map(() => 0), back: arms.map(() => 0) };
  let different = 0;
  const { key, seed = key, hashVersion, namespace } = config;
  return {
    /** @param bucket as logged; null: it was not seen in the experiment */
    add(unit: string, bucket: number | null): void {
      const own = bucketOf(seed, unit, hashVersion) as number;
      if (bucket !== null && Math.abs(own - bucket) > 1e-9) different++;
      if (namespace !== undefined && !inRange(bucketOf(`__${namespace.name}`, unit, 1) as number, namespace.range))
        return;
      const arm = ranges.findIndex((range) => inRange(own, range));
      if (arm < 0) return;
      returned.known[arm]++;
      if (bucket !== null) returned.back[arm]++;
    },
    /** Undefined where the log has hashed units, so that their arms cannot be computed. */
    result: (): Returned | undefined => (different > 0 ? undefined : returned),
  };
}

/** Units known before of an arm below which this check says nothing. */
const MINIMUM_KNOWN = 100;

export function checkReturned(arms: readonly string[], { known, back }: Returned): ExperimentCheck | undefined {
  if (known.some((n) => n < MINIMUM_KNOWN)) return undefined;
  const share = (i: number): number => back[i] / known[i];
  const tests = arms.slice(1).map((arm, i) => {
    const moments = (j: number) => ({ n: known[j], mean: share(j), variance: share(j) * (1 - share(j)) });
    const [a, b] = [moments(0), moments(i + 1)];
    const p = a.variance + b.variance === 0 ? Number(a.mean === b.mean) : sequentialTest(a, b).p;
    return { arm, i: i + 1, p };
  });
  const least = tests.reduce((best, test) => (test.p < best.p ? test : best));
  const p = Math.min(1, least.p * tests.length);
  const of = (i: number): string => `${back[i]} of ${known[i]} (${percent(share(i))})`;
  return {
    check: 'units that came back',
    state: p < SRM_LEVEL ? 'broken' : 'sound',
    sentence: `${p < SRM_LEVEL ? 'SRM: arms lose units' : 'arms lose no units'}: of those known before ${of(least.i)} came back into ${least.arm}, ${of(0)} into ${arms[0]}, p = ${small(p)}`,
    p,
  };
}

/** Answers that an arm's model did not give, and models that changed. They make an experiment weaker, not wrong. */
export function checkAnswers(
  arms: readonly { arm: string; answers: number; failed: number; models: Readonly<Record<string, number>> }[],
): ExperimentCheck[] {
  const failing = arms.filter(({ failed }) => failed > 0);
  const changed = arms.filter(({ models, failed }) => Object.keys(models).length > (failed > 0 ? 2 : 1));
  return [
    {
      check: 'failed answers',
      state: failing.length > 0 ? 'look' : 'sound',
      sentence:
        failing.length === 0
          ? 'every arm gave all its answers itself'
          : `the control answered for ${failing.map(({ arm, failed, answers }) => `${arm} in ${failed} of ${answers} answers (${percent(failed / answers)})`).join(', ')}, whose model failed`,
      p: null,
    },
    {
      check: 'models',
      state: changed.length > 0 ? 'look' : 'sound',
      sentence:
        changed.length === 0
          ? 'each arm had one model'
          : changed.map(({ arm, models }) => `${arm} was answered by ${Object.keys(models).join(', ')}`).join('; '),
      p: null,
    },
  ];
}
