/** Cases that compare arms: tests of means, ratios and shares, sequences, boundaries, guardrails, cells, planning. */
import { z } from 'zod';
import {
  type BoundaryOptions,
  bernoulliSequence,
  clusteredRatio,
  cupedTest,
  heterogeneity,
  lanDeMets,
  type Moments,
  momentsOf,
  nonInferiority,
  proportionMoments,
  ratioMoments,
  ratioSumsOf,
  sequentialTest,
  unitsForShares,
  welchTest,
} from '../../../evaluate/experiment/index.ts';
import { NotUnderstood } from '../../fixture.ts';
import { count, kind, level, numbers, sides } from './kind.ts';

const sums = z.strictObject({ n: count, sum: z.number(), sumSquares: z.number() });
const ratioSums = sums.extend({ denominator: z.number(), denominatorSquares: z.number(), products: z.number() });
const preSums = sums.extend({ preSum: z.number(), preSumSquares: z.number(), products: z.number() });
const twoArms = <S extends z.ZodType>(arm: S) =>
  z.strictObject({ a: arm, b: arm, relative: z.boolean().optional(), alpha: level.optional() });

const sequentialInput = twoArms(sums).extend({ sides: sides.optional(), tuning: z.number().gt(0).optional() });

function sequential({ a, b, ...options }: z.output<typeof sequentialInput>): unknown {
  const { low, high, logE, p, ...test } = sequentialTest(momentsOf(a), momentsOf(b), options);
  // One-sided: two bounds that are each valid alone, and no two-sided e-value.
  return options.sides === 1 ? { ...test, lower: low, upper: high } : { ...test, low, high, logE, p };
}

const SPENDING: Record<string, (phi: number) => BoundaryOptions['spending']> = {
  "O'Brien-Fleming": () => "O'Brien-Fleming",
  Pocock: () => 'Pocock',
  power: (phi) => ({ power: phi }),
  'Hwang-Shih-DeCani': (phi) => ({ hwangShihDeCani: phi }),
};
const boundaryInput = z.strictObject({
  t: numbers,
  alpha: level.optional(),
  sides: sides.optional(),
  spending: z.enum(Object.keys(SPENDING)).optional(),
  /** Parameter of the last two spending functions. */
  phi: z.number().optional(),
});

function boundaries({ t, spending = "O'Brien-Fleming", phi, ...options }: z.output<typeof boundaryInput>): unknown {
  const parametric = spending === 'power' || spending === 'Hwang-Shih-DeCani';
  if (parametric !== (phi !== undefined))
    throw new NotUnderstood(`spending ${spending} ${parametric ? 'needs' : 'has no'} phi`);
  return lanDeMets(t, { ...options, spending: SPENDING[spending](phi ?? 0) });
}

const share = z.strictObject({ n: count, sum: z.number(), sumSquares: z.number().optional() });
const marginInput = z.strictObject({
  a: share,
  b: share,
  marginAbsolute: z.number().optional(),
  marginRelative: z.number().optional(),
});

/** Without squares, an arm's sum counts ones. */
const shareMoments = ({ sumSquares, ...arm }: z.output<typeof share>): Moments =>
  sumSquares === undefined ? proportionMoments(arm) : momentsOf({ ...arm, sumSquares });

function guardrail({ a, b, marginAbsolute, marginRelative }: z.output<typeof marginInput>): unknown {
  if ((marginAbsolute === undefined) === (marginRelative === undefined))
    throw new NotUnderstood('expected either marginAbsolute or marginRelative');
  const margin = marginAbsolute === undefined ? { relative: marginRelative as number } : { absolute: marginAbsolute };
  return nonInferiority(shareMoments(a), shareMoments(b), margin);
}

export const ARM_KINDS = {
  welch: kind(twoArms(sums), ({ a, b, ...options }) => welchTest(momentsOf(a), momentsOf(b), options)),
  ratio: kind(twoArms(ratioSums), ({ a, b, ...options }) => welchTest(ratioMoments(a), ratioMoments(b), options)),
  cuped: kind(twoArms(preSums), ({ a, b, ...options }) => cupedTest(a, b, options)),
  sequential: kind(sequentialInput, sequential),
  'clustered-ratio': kind(
    z.strictObject({ impressionsA: numbers, clicksA: numbers, impressionsB: numbers, clicksB: numbers }),
    ({ impressionsA, clicksA, impressionsB, clicksB }) =>
      clusteredRatio(ratioSumsOf(clicksA, impressionsA), ratioSumsOf(clicksB, impressionsB)),
  ),
  'bernoulli-confidence-sequence': kind(
    z.strictObject({
      successes: count,
      trials: count,
      tOpt: z.number().gt(0),
      alpha: level.optional(),
      alphaOpt: level.optional(),
    }),
    ({ successes, trials, ...options }) => bernoulliSequence(successes, trials, options),
  ),
  'lan-demets': kind(boundaryInput, boundaries),
  'non-inferiority': kind(marginInput, guardrail),
  heterogeneity: kind(z.strictObject({ estimates: numbers, se: numbers }), ({ estimates, se }) =>
    heterogeneity(estimates, se),
  ),
  'sample-size': kind(
    z.strictObject({
      p1: level,
      p2: level,
      alpha: level.optional(),
      power: level.optional(),
      sides: sides.optional(),
      pooled: z.boolean().optional(),
    }),
    ({ p1, p2, ...options }) => ({ perGroup: unitsForShares(p1, p2, options) }),
  ),
};
