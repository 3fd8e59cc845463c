import { EXIT, entry } from './entry.ts';

export const JOIN_ERRORS = {
  JOIN_EMPTY: entry(
    EXIT.data,
    422,
    (d: { log: string; reason: string }) => `${d.log} has no answers that become rows: ${d.reason}`,
    {
      onPage: 'The message says what the log has: other models (`models`), other scenarios, other days, or nothing yet',
    },
  ),
  JOIN_FIELDS_MISSING: entry(
    EXIT.data,
    422,
    (d: { fields: string[] }) =>
      `no answer in the log has a value of ${d.fields.length === 1 ? 'the field' : 'the fields'} ${d.fields.join(', ')}`,
    'Log them (events.fields of the serving configuration), or list them under leaveOut: the rows and the model then do without. Sequences may also be filled from the log (sequences of the join configuration)',
  ),
  JOIN_OUT_OCCUPIED: entry(
    EXIT.usage,
    409,
    (d: { folder: string }) => `${d.folder} is not empty, and join did not write what is there`,
    'Choose another --out, or empty the folder',
  ),
  JOIN_OTHER_LOG: entry(
    EXIT.usage,
    409,
    (d: { folder: string; expected: string; found: string }) =>
      `${d.folder} has the rows of the log ${d.expected}, and ${d.found} is another`,
    'Choose another --out: rows of two logs do not mix',
  ),
  JOIN_STATE: entry(
    EXIT.artifact,
    422,
    (d: { path: string; problem: string }) => `${d.path} is damaged: ${d.problem}`,
    'Delete the folder that --out names and join again; all of it is made from the log',
  ),
} as const;
