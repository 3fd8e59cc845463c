/** The collective of this process: MPI's under a launcher, else one rank alone, for which nothing is loaded. */
import type { Collective } from './contract.ts';
import { launched } from './launched.ts';
import { localCollective } from './local.ts';

/**
 * Call it once per process, in the thread that trains; `close` it there when all is done.
 *
 * @throws KOFFI_MISSING, MPI_LIBRARY_MISSING, RANKS_MISMATCH, MPI_FAILED
 */
export async function openCollective(): Promise<Collective> {
  if (launched() === undefined) return localCollective();
  const { mpiCollective } = await import('./mpi.ts');
  return mpiCollective();
}
