/** Cases of replay: estimators, random orders, position bias, down-sampling, the as-of join. */
import { z } from 'zod';
import {
  asOfJoin,
  type BanditLog,
  banditWeights,
  cascadeDr,
  clippedIps,
  correctedRate,
  directMethod,
  doublyRobust,
  type Estimator,
  effectiveRows,
  estimate,
  examinationByEm,
  ips,
  orderMarginals,
  orderPropensity,
  positionIps,
  type RewardModel,
  randomisedExamination,
  selfNormalisedDr,
  selfNormalisedPositionIps,
  selfNormalisedSips,
  shrinkDr,
  sips,
  snips,
  switchDr,
} from '../../../evaluate/replay/index.ts';
import { NotUnderstood } from '../../fixture.ts';
import { count, kind, level, matrix, numbers } from './kind.ts';

const banditInput = z.strictObject({
  action: z.array(z.int().min(0)).min(1),
  reward: numbers,
  loggingPropensity: numbers,
  target: matrix,
  qHat: matrix.optional(),
});

/** Estimators with a parameter in their name. */
const PARAMETRIC: [RegExp, (log: BanditLog, model: RewardModel, parameter: number) => Estimator][] = [
  [/^switchDr_([\d.]+)$/, switchDr],
  [/^shrinkDr_([\d.]+)$/, shrinkDr],
  [/^clip([\d.]+)Ips$/, (log, _, limit) => clippedIps(log, limit)],
];

function bandit({ qHat, ...log }: z.output<typeof banditInput>, wanted: readonly string[]): unknown {
  const weights = banditWeights(log);
  const fixed: Record<string, Estimator> = { ips: ips(log), snips: snips(log) };
  const model = qHat ?? [];
  if (qHat !== undefined)
    Object.assign(fixed, {
      dm: directMethod(log, model),
      dr: doublyRobust(log, model),
      sndr: selfNormalisedDr(log, model),
    });
  const named = wanted.flatMap((name) =>
    PARAMETRIC.flatMap(([pattern, of]): [string, number][] => {
      const parameter = pattern.exec(name)?.[1];
      return parameter === undefined ? [] : [[name, estimate(of(log, model, Number(parameter)))]];
    }),
  );
  const estimates = Object.entries(fixed).map(([name, estimator]) => [name, estimate(estimator)]);
  return { weights, effectiveRows: effectiveRows(weights), ...Object.fromEntries([...estimates, ...named]) };
}

const pair = <S extends z.ZodType>(of: S) => z.tuple([of, of]);
const slateInput = z.strictObject({
  reward: matrix,
  joint: pair(numbers).optional(),
  itemPosition: pair(matrix).optional(),
  cascade: pair(matrix).optional(),
  qShown: matrix.optional(),
  qExpected: matrix.optional(),
});

function slate({ reward, joint, itemPosition, cascade, qShown, qExpected }: z.output<typeof slateInput>): unknown {
  const estimators: Record<string, Estimator> = {};
  if (joint !== undefined)
    Object.assign(estimators, { sips: sips(reward, joint), snsips: selfNormalisedSips(reward, joint) });
  if (itemPosition !== undefined)
    Object.assign(estimators, {
      iips: positionIps(reward, itemPosition),
      sniips: selfNormalisedPositionIps(reward, itemPosition),
    });
  if (cascade !== undefined) {
    const zeros = reward.map((row) => row.map(() => 0));
    Object.assign(estimators, {
      rips: positionIps(reward, cascade),
      snrips: selfNormalisedPositionIps(reward, cascade),
      cascadeDr_q0: cascadeDr(reward, cascade, { qShown: zeros, qExpected: zeros }),
    });
    if (qShown !== undefined && qExpected !== undefined)
      Object.assign(estimators, { cascadeDr: cascadeDr(reward, cascade, { qShown, qExpected }) });
  }
  return Object.fromEntries(Object.entries(estimators).map(([name, estimator]) => [name, estimate(estimator)]));
}

const emInput = z.strictObject({
  /** By "item@position", positions from 1. */
  impressionsClicks: z.record(z.string().regex(/.@[1-9]\d*$/), z.tuple([count, count])),
  start: z.strictObject({ examination: z.array(z.number().gt(0).max(1)).min(1), relevance: level }),
  iterations: z.int().min(0),
});

function em({ impressionsClicks, start, iterations }: z.output<typeof emInput>): unknown {
  const counts = Object.entries(impressionsClicks).map(([place, [impressions, clicks]]) => {
    const at = place.lastIndexOf('@');
    return { item: place.slice(0, at), position: Number(place.slice(at + 1)) - 1, impressions, clicks };
  });
  if (counts.some(({ position }) => position >= start.examination.length))
    throw new NotUnderstood(`start.examination has ${start.examination.length} positions, the counts have more`);
  return examinationByEm(counts, start, iterations);
}

const asOfInput = z.strictObject({
  rows: z.array(z.tuple([z.string(), z.string()])),
  features: z.array(z.tuple([z.string(), z.string(), z.union([z.number(), z.string(), z.null()])])),
  ttlMinutes: z.number().min(0).nullable().optional(),
  rule: z.string().optional(),
});

function asOf({ rows, features, ttlMinutes }: z.output<typeof asOfInput>): unknown {
  return asOfJoin(
    rows.map(([key, time]) => ({ key, time: minutes(time) })),
    features.map(([key, time, value]) => ({ key, time: minutes(time), value })),
    ttlMinutes ?? undefined,
  );
}

/** Of a time of day ("10:05"), or of a date with time. */
function minutes(text: string): number {
  const [, hours, rest] = /^(\d{1,2}):(\d{2})$/.exec(text) ?? [];
  const value = hours === undefined ? Date.parse(text) / 60_000 : 60 * Number(hours) + Number(rest);
  if (Number.isNaN(value)) throw new NotUnderstood(`"${text}" is no time`);
  return value;
}

const temperature = z.number().gt(0).optional();

export const REPLAY_KINDS = {
  'replay-bandit': kind(banditInput, bandit),
  'replay-slate': kind(slateInput, slate),
  'plackett-luce': kind(
    z.strictObject({ scores: numbers, order: z.array(z.int().min(0)).min(1), temperature }),
    ({ scores, order, temperature }) => orderPropensity(scores, order, temperature),
  ),
  'plackett-luce-marginals': kind(
    z.strictObject({ scores: numbers, positions: z.int().min(1).optional(), temperature }),
    ({ scores, positions, temperature }) => orderMarginals(scores, positions, temperature),
  ),
  'position-bias-randomised': kind(
    z.strictObject({ impressions: numbers, clicks: numbers }),
    ({ impressions, clicks }) => randomisedExamination(impressions, clicks),
  ),
  'position-bias-em': kind(emInput, em),
  'down-sampling': kind(
    z.strictObject({ predicted: z.array(z.number().min(0).max(1)), rate: z.number().gt(0).max(1) }),
    ({ predicted, rate }) => predicted.map((p) => correctedRate(p, rate)),
  ),
  'as-of-join': kind(asOfInput, asOf),
};
