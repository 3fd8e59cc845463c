import { EXIT, entry } from './entry.ts';

export const DIAGNOSE_ERRORS = {
  IMPORTANCE_FIELDS: entry(
    EXIT.usage,
    400,
    (d: { data: string; problems: string[] }) =>
      `the importance of these fields of ${d.data} cannot be measured:\n${d.problems.map((p) => `  ${p}`).join('\n')}\n`,
    'Name fields of the data set and sequences as sequence_<type>, each once; a group needs a name that no field has',
  ),
  EXPLAIN_NOT_RECORDED: entry(
    EXIT.usage,
    404,
    (d: { log: string; id?: string }) =>
      d.id === undefined
        ? `${d.log} has no answered request`
        : `${d.log} has no answered request ${JSON.stringify(d.id)}`,
    'Give the request_id of an answer that the log has, or the log of the service that answered',
  ),
  EXPLAIN_ITEM: entry(
    EXIT.usage,
    400,
    (d: { found: string[]; near?: string; candidates: number }) =>
      `none of the ${d.candidates} candidates is ${d.found.map((id) => JSON.stringify(id)).join(', ')}${d.near === undefined ? '' : `: the nearest is ${JSON.stringify(d.near)}`}`,
    'Name items of the request by their id',
  ),
  CHECK_NO_RESULT: entry(
    EXIT.usage,
    409,
    (d: { run: string }) =>
      `${d.run} has no result on test rows: its training has not ended, or its weights were imported`,
    'Resume the training to its end; for imported weights, check what `tributary evaluate` prints yourself',
  ),
  CHECK_BASELINE: entry(
    EXIT.usage,
    400,
    (d: { path: string; problem: string }) => `${d.path} is no baseline: ${d.problem}`,
    'Name a run folder, a file of `tributary check RUN --write FILE`, or what `tributary train --json` printed',
  ),
  CHECK_CELLS: entry(
    EXIT.usage,
    400,
    (d: { problems: string[] }) => `the cells do not fit:\n${d.problems.map((p) => `  ${p}`).join('\n')}\n`,
    'Compare runs of the same scenarios and tasks; write the baseline anew where they changed',
  ),
} as const;
