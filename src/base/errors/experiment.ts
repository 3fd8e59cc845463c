import { EXIT, entry } from './entry.ts';

const listed = (names: readonly string[]): string => (names.length === 0 ? 'none' : names.join(', '));

export const EXPERIMENT_ERRORS = {
  EXPERIMENT_NOT_LOGGED: entry(
    EXIT.data,
    404,
    (d: { log: string; key: string; found: readonly string[] }) =>
      `${d.log} has no answer of the experiment ${d.key}; experiments in it: ${listed(d.found)}`,
    'Check --key, and that the service logs events (`events` in its configuration)',
  ),
  EXPERIMENT_WITHOUT_UNITS: entry(
    EXIT.data,
    422,
    (d: { log: string; key: string }) => `no answer of the experiment ${d.key} in ${d.log} has a unit`,
    'Name the field of the unit by `events.unit` of the serving configuration: nothing can be concluded without units',
  ),
  EXPERIMENT_NOT_CONFIGURED: entry(
    EXIT.usage,
    404,
    (d: { source: string; key: string; found: readonly string[] }) =>
      `${d.source} has no experiment ${d.key}; experiments in it: ${listed(d.found)}`,
    'Check --key, or the list `experiments`',
  ),
  EXPERIMENT_METRIC: entry(
    EXIT.data,
    422,
    (d: { log: string; metric: string; found: readonly string[] }) =>
      `${d.metric} cannot be measured in ${d.log}, or never varies; types of interactions in it: ${listed(d.found)}`,
    'A metric is TYPE, TYPE per request, TYPE per unit, units with TYPE, value of TYPE per unit, latency_mean or error_rate',
  ),
  EXPERIMENT_SERVICE: entry(
    EXIT.environment,
    502,
    (d: { url: string; problem: string }) => `the service at ${d.url} did not answer for its experiments: ${d.problem}`,
    'Check --url and --admin-key. A ramp goes on from here at the next start',
  ),
  EXPERIMENT_RAMP: entry(
    EXIT.usage,
    422,
    (d: { key: string; problem: string }) => `${d.key} cannot be ramped: ${d.problem}`,
    'Give the experiment `ramp: [0.01, 0.1, 0.5]` and mode split, and each ramp a folder of its own',
  ),
};
