/** What an experiment is to be judged by: its configuration, or defaults where the log alone is there. */
import { durationOf } from '../base/times.ts';
import type { MarginConfig, MetricsConfig, Sequential } from '../config/experiment/analysis.ts';
import { type Metric, parseMetric } from '../config/experiment/metric.ts';
import type { ExperimentConfig } from '../config/experiments.ts';

export interface SuccessMetric {
  metric: Metric;
  margin?: MarginConfig;
}

export interface Guardrail {
  metric: Metric;
  margin: MarginConfig;
}

export interface Settings {
  key: string;
  /** The control first. */
  arms: readonly string[];
  /** In the order of the arms. */
  weights: readonly number[];
  mode: ExperimentConfig['mode'];
  success: readonly SuccessMetric[];
  guardrails: readonly Guardrail[];
  /** By type of interaction, milliseconds. */
  windows: Readonly<Record<string, number>>;
  sequential: Sequential;
  /** Absent where there is none. */
  config?: ExperimentConfig;
}

export function configuredSettings(config: ExperimentConfig): Settings {
  const { key, arms, weights, mode, metrics, sequential } = config;
  const names = Object.keys(arms);
  return {
    key,
    arms: names,
    weights: weights ?? names.map(() => 1 / names.length),
    mode,
    success: metrics.success.map((one) =>
      typeof one === 'string' ? { metric: known(one) } : { metric: known(one.metric), margin: one.margin },
    ),
    guardrails: metrics.guardrails.map(({ metric, margin }) => ({ metric: known(metric), margin })),
    windows: windowsOf(metrics),
    sequential,
    config,
  };
}

const windowsOf = ({ windows }: MetricsConfig): Record<string, number> =>
  Object.fromEntries(Object.entries(windows).map(([type, text]) => [type, durationOf(text) as number]));

/** Schemas take no other names. */
const known = (text: string): Metric => parseMetric(text) as Metric;

/**
 * Without a configuration: every type of interaction is a success metric by shown item, arms have equal weights, and one may always look.
 *
 * @param arms those of the log; one called `control` is the control, else the first by name
 */
export function defaultSettings(
  key: string,
  { arms, types, mode }: { arms: readonly string[]; types: readonly string[]; mode: Settings['mode'] },
): Settings {
  const sorted = [...arms].sort((a, b) => Number(b === 'control') - Number(a === 'control') || (a < b ? -1 : 1));
  return {
    key,
    arms: sorted,
    weights: sorted.map(() => 1 / sorted.length),
    mode,
    success: types.flatMap((type) => {
      const metric = parseMetric(type);
      return metric === undefined ? [] : [{ metric }];
    }),
    guardrails: [],
    windows: {},
    sequential: 'always-valid',
  };
}

/** All metrics, each once. */
export function metricsOf({ success, guardrails }: Settings): Metric[] {
  const all = [...success, ...guardrails].map(({ metric }) => metric);
  return all.filter(({ name }, i) => all.findIndex((other) => other.name === name) === i);
}
