/** How long is there to go? From the effect seen so far, or the margin that matters: a guess, and said to be about. */
import { toleranceOf } from '../config/experiment/analysis.ts';
import type { Metric } from '../config/experiment/metric.ts';
import { contrast, unitsForSequence } from '../evaluate/experiment/index.ts';
import { estimate, limitOf, type Pair } from './compare.ts';
import type { Settings } from './settings.ts';

/** More units than this are no plan. */
const MOST = 1e9;

/** Units of all arms until a success metric is decided and all guardrails are; undefined where no number would be honest. */
export function missingUnits(
  { success, guardrails }: Settings,
  pairOf: (metric: Metric) => Pair,
  { arms, unitsADay }: { arms: number; unitsADay: number },
): { units: number; days: number | null } | undefined {
  const pairs = success.map(({ metric, margin }) => {
    const { estimate: seen, a, b } = estimate(pairOf(metric));
    const tolerance = margin === undefined ? undefined : toleranceOf(margin);
    const matters =
      tolerance === undefined
        ? 0
        : 'absolute' in tolerance
          ? tolerance.absolute
          : tolerance.relative * Math.abs(a.mean);
    return needed((a.variance + b.variance) / 2, Math.max(Math.abs(seen), matters));
  });
  const held = guardrails.map(({ metric, margin }) => {
    const { a, b } = estimate(pairOf(metric));
    const limit = limitOf(metric, margin);
    const found = contrast(a, b, limit);
    const scale = 'absolute' in limit ? 1 : Math.abs(a.mean);
    const variance = (a.variance + b.variance) / 2;
    return variance === 0 ? 0 : needed(variance, Math.abs(found.estimate - found.limit) * scale);
  });
  const perArm = Math.max(pairs.length === 0 ? 0 : Math.min(...pairs), ...held);
  const [one] = success.length > 0 ? success : guardrails;
  if (one === undefined || !(perArm < MOST)) return undefined;
  const { control, treatment } = pairOf(one.metric);
  const units = Math.ceil(arms * perArm) - Math.round(((control.n + treatment.n) / 2) * arms);
  if (units <= 0) return undefined;
  return { units, days: unitsADay > 0 ? units / unitsADay : null };
}

const needed = (variance: number, effect: number): number =>
  effect > 0 && variance > 0 && variance / effect ** 2 < MOST
    ? unitsForSequence(variance, effect)
    : Number.POSITIVE_INFINITY;
