/**
 * Deals the trainings of a comparison to ranks: a rank that is free takes the next cell that nobody has. Which rank trains a cell changes
 * none of its bits, nothing is sent, and ranks need not be equally fast.
 */
import { closeSync, existsSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../../base/files.ts';
import type { Collective } from '../../comm/contract.ts';
import { gatherJson } from '../../comm/json.ts';
import { type CellEnd, readCell } from './cell.ts';
import type { Cell } from './plan.ts';

/** A file in the folder of a cell that a rank has taken. */
const claimOf = ({ folder }: Pick<Cell, 'folder'>): string => join(folder, 'claimed');

/** Gives back what the ranks of an earlier job took. On rank 0, while no rank takes cells. */
export function clearClaims(cells: readonly Cell[]): void {
  for (const cell of cells) rmSync(claimOf(cell), { force: true });
}

/**
 * Takes a cell; false where another rank has it. The file is created only where there is none, so exactly one rank wins, on NFS too.
 *
 * @throws FILE_UNWRITABLE, DISK_FULL
 */
export function claim(cell: Cell, { size }: Collective): boolean {
  if (size === 1) return true;
  try {
    mkdirSync(cell.folder, { recursive: true });
    closeSync(openSync(claimOf(cell), 'wx'));
    return true;
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw asWriteError(cause, claimOf(cell));
  }
}

/** How often rank 0 looks at what others have taken, in ms. */
const LOOK = 1000;

/** Calls back, on rank 0, for each cell that another rank has begun, until it is stopped. */
export function watchOthers(
  cells: readonly Cell[],
  { rank, size }: Collective,
  isOurs: (cell: Cell) => boolean,
  begun: (cell: Cell) => void,
): () => void {
  if (size === 1 || rank > 0) return () => {};
  const left = new Set(cells);
  const look = setInterval(() => {
    for (const cell of left) {
      if (!existsSync(claimOf(cell))) continue;
      left.delete(cell);
      if (!isOurs(cell)) begun(cell);
    }
  }, LOOK);
  return () => clearInterval(look);
}

/** On rank 0, how the cells ended that are not in `own`; what others finished is read from their folders. On other ranks nothing. */
export async function endsOfOthers(
  cells: readonly Cell[],
  own: ReadonlyMap<Cell, CellEnd>,
  ranks: Collective,
): Promise<CellEnd[]> {
  type Told = Omit<Extract<CellEnd, { kind: 'failed' }>, 'cell' | 'kind'> | undefined;
  const failures = cells.map((cell): Told => {
    const end = own.get(cell);
    return end?.kind === 'failed' ? { code: end.code, message: end.message } : undefined;
  });
  const byRank = await gatherJson(
    ranks,
    failures.map((told) => told ?? null),
  );
  if (ranks.rank > 0) return [];
  const ends: CellEnd[] = [];
  for (const [i, cell] of cells.entries()) {
    if (own.has(cell)) continue;
    const failure = byRank.map((told) => told[i]).find((told) => told !== null);
    const result = failure ? undefined : await readCell(cell.folder);
    if (failure) ends.push({ kind: 'failed', cell, ...failure });
    else ends.push(result === undefined ? { kind: 'stopped', cell } : { kind: 'finished', cell, result });
  }
  return ends;
}
