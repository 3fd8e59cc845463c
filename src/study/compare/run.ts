/** Trains the cells of a comparison that are not finished, then computes its results. */
import { join, resolve } from 'node:path';
import { createHandle, type Handle } from '../../base/disposal.ts';
import { checkOurs, makeFolder, writeFileAtomic } from '../../base/files.ts';
import type { Collective } from '../../comm/contract.ts';
import { ranksHere } from '../../comm/launched.ts';
import { localCollective } from '../../comm/local.ts';
import type { Comparison } from '../../config/load-compare.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { findModel } from '../../model/registry.ts';
import { comparisonMarkdown, isComparisonReport } from '../../report/comparison/comparison.ts';
import { lockFolder } from '../../store/lock.ts';
import { countParameters } from '../../train/cost.ts';
import { openPool, type TrainingPool, workersFor } from '../pool.ts';
import { analyse } from './analyse.ts';
import type { ComparisonEnd, EmitComparison } from './events.ts';
import { type Cell, planCells } from './plan.ts';
import { timesOf } from './times.ts';
import { trainAll } from './train-cells.ts';

export interface ComparisonRequest {
  comparison: Comparison;
  /** Where trainings and results are kept. */
  out: string;
  /** Max trainings in parallel. Default: as many as cores and memory allow. */
  workers?: number;
  onEvent?: EmitComparison;
  /**
   * Ranks that share the trainings; all see the same folders. Rank 0 alone computes and writes the results. Default: this one alone.
   */
  ranks?: Collective;
  /** Stops the comparison as `stop` of its handle does. */
  signal?: AbortSignal;
}

/** A comparison at work. Once it is stopped, its trainings write checkpoints; the same call continues it. */
export type ComparisonHandle = Handle<ComparisonEnd>;

/** Files of a comparison's folder. */
export const comparisonPaths = (out: string) => ({
  /** Everything but times: equal comparisons have equal bytes. */
  result: join(out, 'result.json'),
  times: join(out, 'times.json'),
  report: join(out, 'comparison.md'),
});

/**
 * Finished cells are not trained again; interrupted ones resume from their checkpoints. A cell that fails
 * does not stop the others.
 *
 * @throws by `finished`: DATA_NOT_PREPARED, CONFIG_INVALID, RUN_LOCKED, FILE_UNWRITABLE
 */
export function startComparison({
  comparison,
  out,
  workers,
  onEvent = () => {},
  ranks = localCollective(),
  signal,
}: ComparisonRequest): ComparisonHandle {
  let pool: TrainingPool | undefined;
  let stopped = false;
  const open = (cells: readonly Cell[]): TrainingPool => {
    pool = openPool(workers ?? workersFor(comparison.threads, Math.max(...cells.map(bytesOf)), ranksHere(ranks.size)));
    if (stopped) pool.stop();
    return pool;
  };
  const stop = (): void => {
    stopped = true;
    pool?.stop();
  };
  return createHandle(work(comparison, out, open, onEvent, ranks), stop, signal);
}

/** How often a run holds each of its numbers: weights, moments, gradients, a second table, snapshots on their way to disk. */
const COPIES = 8;

/** Memory of a training in addition to its process, bytes. */
function bytesOf({ run, data: { manifest } }: Cell): number {
  const model = findModel(run.model.key);
  const { denseParameters, embeddingParameters } = countParameters(
    model,
    model.options.parse(run.model),
    modelSizes(manifest),
    manifest.tableRows,
  );
  return 4 * COPIES * (denseParameters + embeddingParameters);
}

async function work(
  comparison: Comparison,
  out: string,
  open: (cells: readonly Cell[]) => TrainingPool,
  emit: EmitComparison,
  ranks: Collective,
): Promise<ComparisonEnd> {
  const datasets: PreparedData[] = [];
  for (const folder of comparison.data) datasets.push(await openPrepared(folder));
  const cells = planCells(comparison, datasets, resolve(out));
  checkPlace(out);
  makeFolder(out);
  const isLead = ranks.rank === 0;
  const unlock = isLead ? lockFolder(out) : () => {};
  try {
    if (isLead) for (const data of datasets) await writeRowFiles(data);
    await ranks.idleBarrier();
    const ends = await trainAll(cells, out, open(cells), emit, ranks);
    if (ends.some(({ kind }) => kind === 'stopped')) return { event: 'interrupted', folder: out };
    if (!isLead) return { event: 'shared', folder: out };
    emit({ event: 'statistics' });
    const result = await analyse(comparison, datasets, ends);
    const paths = comparisonPaths(out);
    const times = timesOf(ends);
    writeFileAtomic(paths.times, `${JSON.stringify(times, null, 1)}\n`);
    writeFileAtomic(paths.report, comparisonMarkdown(result, times));
    writeFileAtomic(paths.result, `${JSON.stringify(result, null, 1)}\n`);
    return { event: 'result', folder: out, result, times, failed: ends.filter(({ kind }) => kind === 'failed').length };
  } finally {
    unlock();
  }
}

/** Throws FILE_OCCUPIED where a result would take the place of a file that no comparison wrote. */
function checkPlace(out: string): void {
  const { result, times, report } = comparisonPaths(out);
  const has = (text: string, key: string): boolean => Array.isArray(JSON.parse(text)?.[key]);
  checkOurs(result, 'the result of a comparison', (text) => has(text, 'datasets'));
  checkOurs(times, 'the times of a comparison', (text) => has(text, 'models'));
  checkOurs(report, 'the report of a comparison', isComparisonReport);
}

/** Row files are created at first use: here, once, and not by every worker. */
async function writeRowFiles(data: PreparedData): Promise<void> {
  for (const split of ['train', 'validation', 'test'] as const) await (await data.open(split)).close();
}
