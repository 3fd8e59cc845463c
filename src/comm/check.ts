/** What a collective checks on its own rank before it starts: MPI would read or write beyond the arrays. */
import { error } from '../base/errors/index.ts';
import type { Sendable } from './contract.ts';

export function checkAllToAll(
  size: number,
  send: Sendable,
  sendCounts: Int32Array,
  recv: Sendable,
  recvCounts: Int32Array,
): void {
  if (sendCounts.length !== size || recvCounts.length !== size)
    throw misuse('allToAll', `${sendCounts.length} and ${recvCounts.length} counts`, `${size}, one for each rank`);
  checkHolds('allToAll', 'sends', send, sendCounts);
  checkHolds('allToAll', 'receives', recv, recvCounts);
}

export function checkAllGather(size: number, values: Sendable, counts: Int32Array): void {
  if (counts.length !== size) throw misuse('allGather', `${counts.length} counts`, `${size}, one for each rank`);
  checkHolds('allGather', 'holds', values, counts);
}

function checkHolds(collective: string, verb: string, values: Sendable, counts: Int32Array): void {
  let elements = 0;
  for (const count of counts) {
    if (count < 0) throw misuse(collective, `a count of ${count}`, 'none below 0');
    elements += count;
  }
  if (elements > values.length)
    throw misuse(collective, `an array of ${values.length}`, `${elements}, which it ${verb} by its counts`);
}

export const misuse = (collective: string, found: string, expected: string) =>
  error('COLLECTIVE_MISUSED', { collective, found, expected });
