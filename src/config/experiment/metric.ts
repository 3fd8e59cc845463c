/**
 * Metrics of an experiment by name, as product teams write them:
 *
 *   click                    share of shown items that got an interaction of this type
 *   click per request        items with one, for each answered request
 *   click per unit           for each unit
 *   units with buy           share of units with at least one
 *   value of buy per unit    sum of the values of interactions (prices, seconds); also per request, per item
 *   latency_mean, latency_p99, error_rate   of the service: lower is better. Errors: the model of the arm failed, the control answered
 */
export type Metric =
  | { kind: 'count' | 'value'; name: string; type: string; per: 'item' | 'request' | 'unit' }
  | { kind: 'share'; name: string; type: string }
  | { kind: 'latency'; name: string /** Of requests, in (0, 1); absent: the mean. */; quantile?: number }
  | { kind: 'errors'; name: string };

/** Undefined where the name means nothing. */
export function parseMetric(text: string): Metric | undefined {
  const name = text.trim().replaceAll(/\s+/g, ' ');
  if (name === 'error_rate') return { kind: 'errors', name };
  const [latency, digits] = /^latency_(?:mean|p(\d{1,2}(?:\.\d+)?))$/.exec(name) ?? [];
  if (latency !== undefined) return latencyOf(name, digits);
  const [share, owned] = /^units with (.+)$/.exec(name) ?? [];
  if (share !== undefined) return { kind: 'share', name, type: owned };
  const [, value, type, per = 'item'] = /^(value of )?(.+?)(?: per (item|request|unit))?$/.exec(name) ?? [];
  if (type === undefined) return undefined;
  return { kind: value === undefined ? 'count' : 'value', name, type, per: per as 'item' | 'request' | 'unit' };
}

function latencyOf(name: string, digits: string | undefined): Metric | undefined {
  if (digits === undefined) return { kind: 'latency', name };
  const quantile = Number(digits) / 100;
  return quantile > 0 ? { kind: 'latency', name, quantile } : undefined;
}

/** Type of the interactions that a metric counts. */
export const typeOf = (metric: Metric): string | undefined => ('type' in metric ? metric.type : undefined);

/** Of latency and errors less is better. */
export const isLowerBetter = ({ kind }: Metric): boolean => kind === 'latency' || kind === 'errors';
