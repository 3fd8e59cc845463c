/** Trains what a comparison needs and has not trained yet, then works out its results. */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { TributaryError } from '../../base/errors/index.ts';
import { checkOurs, makeFolder, writeFileAtomic } from '../../base/files.ts';
import type { Comparison } from '../../config/load-compare.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { findModel } from '../../model/registry.ts';
import { lockFolder } from '../../store/lock.ts';
import { dropCheckpoints, runPaths } from '../../store/run/run-folder.ts';
import { countParameters } from '../../train/cost.ts';
import type { TrainingEvent } from '../../train/run/events.ts';
import { newRun } from '../../train/run/new-run.ts';
import { openPool, type TrainingPool, workersFor } from '../pool.ts';
import { analyse } from './analyse.ts';
import { type CellResult, cellPaths, readCell, writeCell } from './cell.ts';
import type { CellState, ComparisonEnd, EmitComparison } from './events.ts';
import { type Cell, planCells } from './plan.ts';
import { markdown, REPORT_START } from './report.ts';
import { timesOf } from './times.ts';

export interface ComparisonRequest {
  comparison: Comparison;
  /** Where trainings and results are kept. */
  out: string;
  /** Most trainings at once. Default: what the machine takes. */
  workers?: number;
  emit: EmitComparison;
}

export interface ComparisonHandle {
  finished: Promise<ComparisonEnd>;
  /** Asks for checkpoints and an end. */
  stop(): void;
}

/** How a cell ended. */
export type CellEnd =
  | { kind: 'finished'; cell: Cell; result: CellResult }
  | { kind: 'failed'; cell: Cell; code: string; message: string }
  | { kind: 'stopped'; cell: Cell };

/** Files of a comparison's folder. */
export const comparisonPaths = (out: string) => ({
  /** Everything but times: equal comparisons have equal bytes. */
  result: join(out, 'result.json'),
  times: join(out, 'times.json'),
  report: join(out, 'comparison.md'),
});

/**
 * Cells that are finished are not trained again, those that were interrupted go on from their checkpoints. A cell that fails
 * does not stop the others.
 *
 * @throws by `finished`: DATA_NOT_PREPARED, CONFIG_INVALID, RUN_LOCKED, FILE_UNWRITABLE
 */
export function runComparison({ comparison, out, workers, emit }: ComparisonRequest): ComparisonHandle {
  let pool: TrainingPool | undefined;
  let stopped = false;
  const open = (cells: readonly Cell[]): TrainingPool => {
    pool = openPool(workers ?? workersFor(comparison.threads, Math.max(...cells.map(bytesOf))));
    if (stopped) pool.stop();
    return pool;
  };
  return {
    finished: work(comparison, out, open, emit),
    stop() {
      stopped = true;
      pool?.stop();
    },
  };
}

/** A run holds each of its numbers about so often: weights, moments, gradients, a second table, snapshots on their way to disk. */
const COPIES = 8;

/** Memory of a training beyond its process. */
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
): Promise<ComparisonEnd> {
  const datasets: PreparedData[] = [];
  for (const folder of comparison.data) datasets.push(await openPrepared(folder));
  const cells = planCells(comparison, datasets, resolve(out));
  checkPlace(out);
  makeFolder(out);
  const unlock = lockFolder(out);
  try {
    for (const data of datasets) await writeRowFiles(data);
    const ends = await trainAll(cells, out, open(cells), emit);
    if (ends.some(({ kind }) => kind === 'stopped')) return { event: 'interrupted', folder: out };
    emit({ event: 'statistics' });
    const result = await analyse(comparison, datasets, ends);
    const paths = comparisonPaths(out);
    const times = timesOf(ends);
    writeFileAtomic(paths.times, `${JSON.stringify(times, null, 1)}\n`);
    writeFileAtomic(paths.report, markdown(result, times));
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
  checkOurs(report, 'the report of a comparison', (text) => text.startsWith(REPORT_START));
}

/** They are made at first use: here, once, rather than by every worker. */
async function writeRowFiles(data: PreparedData): Promise<void> {
  for (const split of ['train', 'validation', 'test'] as const) await (await data.open(split)).close();
}

async function trainAll(cells: Cell[], out: string, pool: TrainingPool, emit: EmitComparison): Promise<CellEnd[]> {
  const tell = (cell: Cell, state: CellState): void => {
    const { name, model, part, seed, data } = cell;
    emit({
      event: 'cell',
      cell: name,
      model,
      data: data.manifest.name,
      ...(part !== undefined && { part }),
      seed,
      ...state,
    });
  };
  const before = await Promise.all(cells.map(({ folder }) => readCell(folder)));
  const finished = before.filter((result) => result !== undefined).length;
  emit({ event: 'start', folder: out, cells: cells.length, finished, workers: pool.workers });
  cells.forEach((cell, i) => {
    const result = before[i];
    tell(cell, result === undefined ? { state: 'waiting' } : finishedState(result, true));
  });
  return Promise.all(
    cells.map(async (cell, i): Promise<CellEnd> => {
      const result = before[i];
      if (result !== undefined) return { kind: 'finished', cell, result };
      const end = await trainCell(cell, pool, (state) => tell(cell, state)).catch((cause) => failed(cell, cause));
      if (end.kind === 'finished') tell(cell, finishedState(end.result, false));
      else if (end.kind === 'failed') tell(cell, { state: 'failed', code: end.code, message: end.message });
      else tell(cell, { state: 'stopped' });
      return end;
    }),
  );
}

const finishedState = ({ grid }: CellResult, before: boolean): CellState => ({
  state: 'finished',
  auc: grid.macro.auc,
  before,
});

/** Other cells go on, whatever the failure is. */
const failed = (cell: Cell, cause: unknown): CellEnd => ({
  kind: 'failed',
  cell,
  code: cause instanceof TributaryError ? cause.code : 'INTERNAL',
  message: cause instanceof Error ? cause.message : String(cause),
});

async function trainCell(cell: Cell, pool: TrainingPool, tell: (state: CellState) => void): Promise<CellEnd> {
  const { folder, data, run } = cell;
  const paths = cellPaths(folder);
  if (!existsSync(runPaths(paths.run).record)) newRun(run, data, { folder: paths.run });
  const outcome = await pool.train({ folder: paths.run, testLogits: paths.logits, onEvent: progressTo(tell) });
  switch (outcome.kind) {
    case 'finished': {
      const result = await writeCell(cell, outcome);
      dropCheckpoints(paths.run); // the finished model stays
      return { kind: 'finished', cell, result };
    }
    case 'failed':
      return failed(cell, outcome.error);
    default:
      return { kind: 'stopped', cell };
  }
}

/** A state for each epoch of a training. */
function progressTo(tell: (state: CellState) => void): (event: TrainingEvent) => void {
  let monitor: number | null = null;
  return (event) => {
    if (event.event === 'start') tell({ state: 'running' });
    if (event.event !== 'epoch') return;
    const { phase, epoch, epochs, best } = event;
    if (best || epoch === 1) monitor = event.monitor;
    tell({ state: 'running', phase, epoch, epochs, monitor });
  };
}
