/** Trains runs over ranks within this process. */
import { memoryGroup } from '../../../src/comm/memory.ts';
import type { MetricsLine } from '../../../src/documents/run-log.ts';
import { readMetrics } from '../../../src/store/run/run-folder.ts';
import type { MemoryLimits } from '../../../src/tables/open.ts';
import { followTraining, runTraining } from '../../../src/train/run/run.ts';

/** Trains a run to its end, or until `steps` are done. */
export async function trainOver(
  folder: string,
  size: number,
  steps = Number.POSITIVE_INFINITY,
  limits?: MemoryLimits,
): Promise<void> {
  const [lead, ...others] = memoryGroup(size);
  let done = 0;
  const shouldStop = (): boolean => ++done >= steps;
  await Promise.all([
    runTraining({ folder, limits, ranks: lead, emit: () => {}, shouldStop }),
    ...others.map((ranks) => followTraining({ folder, limits, ranks, shouldStop: () => false })),
  ]);
}

const of = <K extends MetricsLine['kind']>(folder: string, kind: K) =>
  readMetrics(folder).filter((line): line is Extract<MetricsLine, { kind: K }> => line.kind === kind);

/** Losses of the tasks at the logged steps. */
export const lossesOf = (folder: string): number[] =>
  of(folder, 'step').flatMap(({ losses }) => Object.values(losses).map(Number));

/** AUC of the test rows. */
export const aucOf = (folder: string): number => Number(of(folder, 'result')[0].test.macro.auc);

/** Largest relative difference between the first losses. */
export const apart = (a: readonly number[], b: readonly number[], steps: number): number =>
  Math.max(...a.slice(0, steps).map((loss, i) => Math.abs(loss - b[i]) / Math.abs(loss)));
