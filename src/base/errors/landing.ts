import { EXIT, entry } from './entry.ts';

export const LANDING_ERRORS = {
  LANDING_SERVER: entry(
    EXIT.data,
    422,
    (d: { source: string; kind: string; reason: string }) =>
      `${d.kind} does not give the rows of source "${d.source}": ${d.reason}`,
    'Nothing of this source was replaced. Correct its query or its URL, or try again',
  ),
  LANDING_COMMAND: entry(
    EXIT.data,
    422,
    (d: { source: string; command: string; problem: string }) =>
      `the command ${d.command} does not give the rows of source "${d.source}": ${d.problem}`,
    (d) => `Nothing of this source was replaced. Run it by hand, then correct sources.${d.source}.command`,
  ),
  LANDING_COLUMNS: entry(
    EXIT.data,
    422,
    (d: { source: string; column: string; columns: string[] }) =>
      `the query of source "${d.source}" gives the column "${d.column}" twice (letter case does not count): ${d.columns.join(', ')}`,
    'Name it in the query: SELECT a.id AS a_id ...',
  ),
  LANDING_MISSING: entry(
    EXIT.data,
    422,
    (d: { source: string; folder: string; problem: string }) =>
      `the rows of source "${d.source}" that landed before cannot be used (${d.folder}): ${d.problem}`,
    'Leave out --landed: the rows then land again',
  ),
  LANDING_OCCUPIED: entry(
    EXIT.usage,
    409,
    (d: { source: string; folder: string }) =>
      `the rows of source "${d.source}" are to land in ${d.folder}, which holds other files`,
    (d) => `Name another folder: sources.${d.source}.path`,
  ),
};
