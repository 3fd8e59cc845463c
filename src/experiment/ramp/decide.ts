/** What a ramp does next. The worst that any arm says decides. */
import { durationOf } from '../../base/times.ts';
import { stepsOf, toleranceOf } from '../../config/experiment/analysis.ts';
import type { ExperimentConfig } from '../../config/experiments.ts';
import type { RampRecord } from '../../documents/experiment/ramp.ts';
import type { ComparedMetric, ExperimentReport } from '../../documents/experiment/report.ts';

export type Next =
  | { decision: Exclude<RampRecord['decision'], 'begin' | 'stopped'>; coverage: number; sentence: string }
  | { decision: 'hold'; sentence: string };

/** Share of an arm's answers that may fail before the ramp waits for somebody to look. */
const FAILING = 0.001;

/** Gates of a ramp that is a list. */
const HOLD = '24h';
const UNITS = 1000;

/**
 * @param config with the coverage of now
 * @param since when this coverage began, milliseconds since 1970
 */
export function nextOf(report: ExperimentReport, config: ExperimentConfig, since: number, now: number): Next {
  const { treatments, arms, checks } = report;
  const { coverage, ramp } = config;
  const broken = checks.filter(({ state }) => state === 'broken').map(({ sentence }) => sentence);
  if (broken.length > 0) return { decision: 'roll back', coverage: 0, sentence: `broken: ${broken.join('; ')}` };
  const worse = treatments.filter(({ decision }) => decision === 'roll back');
  if (worse.length > 0) return { decision: 'roll back', coverage: 0, sentence: sentencesOf(worse) };
  const better = treatments.filter(({ decision }) => decision === 'ship');
  if (better.length > 0) return { decision: 'ship', coverage, sentence: sentencesOf(better) };
  if (treatments.length > 0 && treatments.every(({ decision }) => decision === 'no difference'))
    return { decision: 'no difference', coverage, sentence: sentencesOf(treatments) };
  const failing = arms.filter(({ failed, answers }) => failed > FAILING * answers);
  if (failing.length > 0)
    return hold(`the model of ${failing.map(({ arm }) => arm).join(', ')} fails: see failed answers`);
  const lost = treatments.flatMap(({ arm, metrics }) =>
    metrics.filter(isLosing).map(({ metric }) => `${metric} of ${arm}`),
  );
  if (lost.length > 0) return hold(`${lost.join(', ')} is beyond its margin so far, though it may be chance`);
  const next = stepsOf(ramp).find((step) => step > coverage + 1e-12);
  if (next === undefined) return hold(`the last step is reached; ${sentencesOf(treatments)}`);
  const { time, units } = gatesOf(config);
  const left = since + time - now;
  if (left > 0) return hold(`this step lasts another ${hours(left)}`);
  const fewest = arms.reduce((least, arm) => (arm.units < least.units ? arm : least));
  if (fewest.units < units) return hold(`${fewest.arm} has ${fewest.units} units, the step needs ${units}`);
  return { decision: 'raise', coverage: next, sentence: `all gates hold: ${sentencesOf(treatments)}` };
}

const hold = (sentence: string): Next => ({ decision: 'hold', sentence });

const sentencesOf = (treatments: ExperimentReport['treatments']): string =>
  treatments.map(({ arm, sentence }) => `${arm}: ${sentence}`).join(' ');

const hours = (ms: number): string => `${Number((ms / 3_600_000).toPrecision(3))} h`;

function gatesOf({ ramp }: ExperimentConfig): { time: number; units: number } {
  const own = ramp === undefined || Array.isArray(ramp) ? { hold: HOLD, units: UNITS } : ramp;
  return { time: durationOf(own.hold) as number, units: own.units };
}

/** Is the estimate of a guardrail beyond its margin? Intervals alone hold a ramp for a long time, or let it run. */
function isLosing({ role, margin, difference, relative, lowerIsBetter, finding, metric }: ComparedMetric): boolean {
  if (role !== 'guardrail' || margin === null || finding !== 'open') return false;
  const sign = lowerIsBetter ? -1 : 1;
  const isQuantile = /^latency_p/.test(metric);
  if (isQuantile) return difference.estimate < 0;
  const tolerance = toleranceOf(margin);
  return 'absolute' in tolerance
    ? sign * difference.estimate < -tolerance.absolute
    : relative !== null && sign * relative.estimate < -tolerance.relative;
}
