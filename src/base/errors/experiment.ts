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
};
