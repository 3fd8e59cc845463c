/** Trains the cells of a comparison that are not finished, as many at once as the pool takes. */
import { existsSync } from 'node:fs';
import { TributaryError } from '../../base/errors/index.ts';
import type { CellResult } from '../../documents/comparison.ts';
import { dropCheckpoints, runPaths } from '../../store/run/run-folder.ts';
import type { TrainingEvent } from '../../train/run/events.ts';
import { newRun } from '../../train/run/new-run.ts';
import type { TrainingPool } from '../pool.ts';
import { type CellEnd, cellPaths, readCell, writeCell } from './cell.ts';
import type { CellState, EmitComparison } from './events.ts';
import type { Cell } from './plan.ts';

/** A cell that fails does not stop the others. */
export async function trainAll(
  cells: Cell[],
  out: string,
  pool: TrainingPool,
  emit: EmitComparison,
): Promise<CellEnd[]> {
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
  if (!existsSync(runPaths(paths.run).record)) await newRun(run, data, { folder: paths.run });
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
    if (event.event === 'validation' && event.best) monitor = event.monitor;
    if (event.event !== 'epoch') return;
    const { phase, epoch, epochs, step, bestStep } = event;
    if (step === bestStep || (epoch === 1 && !event.best)) monitor = event.monitor;
    tell({ state: 'running', phase, epoch, epochs, monitor });
  };
}
