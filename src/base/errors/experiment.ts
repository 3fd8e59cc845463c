import { EXIT, entry } from './entry.ts';

export const EXPERIMENT_ERRORS = {
  WORKER_DIED: entry(
    EXIT.environment,
    500,
    (d: { folder: string; how: string; last: string; times: number }) =>
      `the process that trained ${d.folder} died ${d.times} times, the last time by ${d.how}` +
      `${d.last === '' ? '' : `:\n${d.last}\n`}. ` +
      'Where the system ends it for want of memory, take fewer --workers or a smaller train.batchSize; the run goes on from its last checkpoint',
  ),
  TUNE_OTHER: entry(
    EXIT.usage,
    409,
    (d: { folder: string; differences: string[] }) =>
      `${d.folder} holds a search that differs from this one in ${d.differences.join(', ')}. Take another --out, or remove the folder`,
  ),
  TUNE_NO_VALUE: entry(
    EXIT.training,
    500,
    (d: { trials: number; failure: string }) =>
      `none of the ${d.trials} trials came to a value. The first one: ${d.failure}`,
  ),
} as const;
