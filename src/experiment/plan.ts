/** Before an experiment: how many units and days it takes, by the variance and the traffic of a log. */
import { error } from '../base/errors/index.ts';
import { DAY_MS } from '../base/times.ts';
import { type Metric, typeOf } from '../config/experiment/metric.ts';
import type { ExperimentPlan } from '../documents/experiment/plan.ts';
import { detectableEffect, jointMoments, unitsForMeans, unitsForSequence } from '../evaluate/experiment/index.ts';
import type { EventLog } from '../events/log.ts';
import { createAnswers, EVERYBODY, interactionTypes } from './log/answers.ts';
import { unitCounts } from './log/counts.ts';
import { type ColumnsOptions, openColumns } from './log/read.ts';
import { sumsOf } from './log/sums.ts';

export interface PlanOptions extends ColumnsOptions {
  metric: Metric;
  /** The difference to find. */
  effect: { absolute: number } | { relative: number };
  /** Chance to find it. Default 0.8. */
  power?: number;
  /** Default 2. */
  arms?: number;
  /** Share of units in the experiment. Default 1. */
  coverage?: number;
}

/** @throws EXPERIMENT_METRIC, and what openColumns throws */
export async function planExperiment(log: EventLog, options: PlanOptions): Promise<ExperimentPlan> {
  const { metric, effect, power = 0.8, arms = 2, coverage = 1 } = options;
  const started = performance.now();
  const columns = await openColumns(log, options);
  try {
    const { connection, name } = columns;
    const types = await interactionTypes(connection);
    const type = typeOf(metric);
    const cannot = () => error('EXPERIMENT_METRIC', { log: name, metric: metric.name, found: types });
    if (type !== undefined && !types.includes(type)) throw cannot();
    const counted = type === undefined ? [] : [type];
    const period = await createAnswers(connection, {
      key: EVERYBODY,
      asOf: Number.MAX_SAFE_INTEGER,
      before: 0,
      types: counted,
      windows: {},
    });
    if (period === undefined) throw cannot();
    const [all] = await sumsOf(connection, { metrics: [metric], types: counted, limits: new Map() });
    const sums = all?.metrics[0];
    if (sums === undefined || !(sums.sums[1] > 0)) throw cannot();
    const { n, mean, variance } = jointMoments(sums);
    const { days } = await unitCounts(connection, ['all']);
    const difference = 'absolute' in effect ? effect.absolute : effect.relative * Math.abs(mean);
    if (!(variance > 0) || !(difference > 0)) throw cannot();
    const duration = (perArm: number) => ({
      unitsAnArm: Math.ceil(perArm),
      days: daysFor(
        (arms * perArm) / coverage,
        days.map(([count]) => count),
      ),
    });
    return {
      schema: 'experiment-plan/1',
      log: name,
      metric: metric.name,
      effect: difference,
      relativeEffect: mean === 0 ? null : difference / Math.abs(mean),
      power,
      arms,
      coverage,
      units: n,
      days: (period.last - period.first) / DAY_MS,
      mean: Math.abs(mean),
      variance,
      fixed: duration(unitsForMeans(variance, difference, { power })),
      alwaysValid: duration(unitsForSequence(variance, difference, { power })),
      detectable: detectableEffect(variance, Math.max((n * coverage) / arms, 1), { power }),
      seconds: (performance.now() - started) / 1000,
    };
  } finally {
    columns.close();
  }
}

/** Days until so many different units came; beyond the log as many come each day as in its last days. */
function daysFor(units: number, newUnits: readonly number[]): number | null {
  let left = units;
  for (const [day, count] of newUnits.entries()) {
    if (count >= left && count > 0) return day + left / count;
    left -= count;
  }
  const recent = newUnits.slice(-7);
  const rate = recent.reduce((sum, n) => sum + n, 0) / recent.length;
  return rate > 0 ? newUnits.length + left / rate : null;
}
