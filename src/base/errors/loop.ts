import { EXIT, entry } from './entry.ts';

export const LOOP_ERRORS = {
  LOOP_SERVICE: entry(
    EXIT.environment,
    502,
    (d: { url: string; problem: string }) => `the service at ${d.url} did not take the artifact: ${d.problem}`,
    'Check load.url and load.key of the loop configuration. The round goes on from here at the next start',
  ),
};
