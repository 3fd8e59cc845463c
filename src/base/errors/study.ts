import { EXIT, entry } from './entry.ts';

export const STUDY_ERRORS = {
  WORKER_DIED: entry(
    EXIT.environment,
    500,
    (d: { folder: string; how: string; last: string; times: number }) =>
      `the process that trained ${d.folder} died ${d.times} times, the last time by ${d.how}` +
      `${d.last === '' ? '' : `:\n${d.last}\n`}`,
    'If memory ran out, lower --workers or train.batchSize; the run continues from its last checkpoint',
  ),
  TUNE_OTHER: entry(
    EXIT.usage,
    409,
    (d: { folder: string; differences: string[] }) =>
      `${d.folder} holds a search that differs from this one in ${d.differences.join(', ')}`,
    'Choose another --out, or remove the folder',
  ),
  TUNE_NO_VALUE: entry(
    EXIT.training,
    500,
    (d: { trials: number; failure: string }) =>
      `none of the ${d.trials} trials reached a value. The first one: ${d.failure}`,
    {
      onPage: 'The message ends with the error of the first trial: see what that one says, and narrow the search space',
    },
  ),
} as const;
