import { EXIT, entry } from './entry.ts';

export const DIAGNOSE_ERRORS = {
  IMPORTANCE_FIELDS: entry(
    EXIT.usage,
    400,
    (d: { data: string; problems: string[] }) =>
      `the importance of these fields of ${d.data} cannot be measured:\n${d.problems.map((p) => `  ${p}`).join('\n')}\n`,
    'Name fields of the data set and sequences as sequence_<type>, each once; a group needs a name that no field has',
  ),
} as const;
