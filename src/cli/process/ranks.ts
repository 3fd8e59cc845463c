/** The command line as one of several ranks: rank 0 alone shows progress and results. */
import { setTimeout as sleep } from 'node:timers/promises';
import { type Command, CommanderError } from 'commander';
import { error, TributaryError } from '../../base/errors/index.ts';
import { abortRanks } from '../../comm/abort.ts';
import type { Collective } from '../../comm/contract.ts';
import { launched } from '../../comm/launched.ts';
import { openCollective } from '../../comm/open.ts';

/** Verbs that share their work among ranks. Others would do all of it in each, and write to the same folders. */
const OVER_RANKS = ['train', 'resume', 'evaluate', 'compare', 'bench comm'];

export const isOneOfRanks = (): boolean => launched() !== undefined;

/** Whether this process shows what happens: rank 0, or a command that was started alone. */
export const isLead = (): boolean => (launched()?.rank ?? 0) === 0;

/** @throws RANKS_NOT_SUPPORTED */
export function checkOverRanks(words: string, size = launched()?.size ?? 1): void {
  if (size > 1 && !OVER_RANKS.includes(words)) throw error('RANKS_NOT_SUPPORTED', { verb: words, known: OVER_RANKS });
}

/** Does work in this thread with the other ranks. Not left after an error: MPI then ends the others (`endRanks`). */
export async function overRanks<Result>(work: (ranks: Collective) => Promise<Result>): Promise<Result> {
  const ranks = await openCollective();
  const result = await work(ranks);
  await ranks.close();
  return result;
}

/** The words of a command, without the program's name. */
export const wordsOf = (command: Command): string =>
  command.parent === null ? '' : `${wordsOf(command.parent)} ${command.name()}`.trim();

/** How long the launcher may take to end a rank whose error another one reports, in ms. */
const PATIENCE = 2000;

/**
 * Lets one rank report what several find. Mistakes in the words of the command are rank 0's. With others, a rank waits: the
 * launcher ends it if another one has reported the same mistake, or if a rank is lost; if not, the error is its own.
 *
 * @returns what to write before the error; undefined: nothing of it
 */
export async function reportedAs(cause: unknown): Promise<string | undefined> {
  const own = launched();
  if (own === undefined || own.size === 1) return '';
  const code = cause instanceof TributaryError ? cause.code : undefined;
  if (own.rank > 0 && (code === 'RANKS_NOT_SUPPORTED' || cause instanceof CommanderError)) return undefined;
  if (own.rank > 0 || code === 'MPI_FAILED') await sleep(PATIENCE);
  return own.rank === 0 ? '' : `rank ${own.rank}: `;
}

/** Ends the other ranks after an error of this one: they may wait for it without end. Does nothing outside of a launcher. */
export async function endRanks(code: number): Promise<void> {
  if ((launched()?.size ?? 1) === 1) return;
  try {
    await abortRanks(code);
  } catch {} // without MPI, no rank waits
}
