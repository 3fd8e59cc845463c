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
} as const;
