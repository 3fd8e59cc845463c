/** Trains the cells of a comparison that are not finished, as many at once as the pool takes. */
import { existsSync } from 'node:fs';
import { TributaryError } from '../../base/errors/index.ts';
import type { Collective } from '../../comm/contract.ts';
import { gatherJson } from '../../comm/json.ts';
import type { CellResult } from '../../documents/comparison.ts';
import { dropCheckpoints, runPaths } from '../../store/run/run-folder.ts';
import type { TrainingEvent } from '../../train/run/events.ts';
import { newRun } from '../../train/run/new-run.ts';
import type { TrainingPool } from '../pool.ts';
import { type CellEnd, cellPaths, readCell, writeCell } from './cell.ts';
import { claim, clearClaims, endsOfOthers, watchOthers } from './deal.ts';
import type { CellState, EmitComparison } from './events.ts';
import type { Cell } from './plan.ts';

/**
 * A cell that fails does not stop the others. Each rank trains some of the cells. Returns how all ended, on rank 0; on others those that
 * they know of.
 */
export async function trainAll(
  cells: Cell[],
  out: string,
  pool: TrainingPool,
  emit: EmitComparison,
  ranks: Collective,
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
  const workers = (await gatherJson(ranks, pool.workers)).reduce((sum, own) => sum + own, 0);
  emit({ event: 'start', folder: out, cells: cells.length, finished, workers });
  const ends = new Map<Cell, CellEnd>();
  const end = (state: CellEnd, isBefore = false): void => {
    ends.set(state.cell, state);
    tell(state.cell, stateOf(state, isBefore));
  };
  for (const [i, cell] of cells.entries()) {
    const result = before[i];
    if (result === undefined) tell(cell, { state: 'waiting' });
    else end({ kind: 'finished', cell, result }, true);
  }
  if (ranks.rank === 0) clearClaims(cells);
  await ranks.idleBarrier(); // all have read what is finished, before any finishes more

  const open = cells.filter((cell) => !ends.has(cell));
  const taken = new Set<Cell>();
  const forget = watchOthers(
    open,
    ranks,
    (cell) => taken.has(cell),
    (cell) => tell(cell, { state: 'running' }),
  );
  const queue = open.values();
  /** Trains cells one after another. */
  const lane = async (): Promise<void> => {
    for (const cell of queue) {
      if (!claim(cell, ranks)) continue;
      taken.add(cell);
      const state = await trainCell(cell, pool, (event) => tell(cell, event)).catch((cause) => failed(cell, cause));
      end(state);
      if (state.kind === 'stopped') return;
    }
  };
  try {
    await Promise.all(Array.from({ length: pool.workers }, lane));
    await ranks.idleBarrier();
  } finally {
    forget();
  }
  for (const state of await endsOfOthers(open, ends, ranks)) end(state);
  if (ranks.rank === 0) clearClaims(cells);
  return cells.flatMap((cell) => ends.get(cell) ?? []);
}

const stateOf = (end: CellEnd, before: boolean): CellState => {
  if (end.kind === 'finished') return finishedState(end.result, before);
  return end.kind === 'failed' ? { state: 'failed', code: end.code, message: end.message } : { state: 'stopped' };
};

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
