/** The end of all ranks where one of them fails: a launcher does not always end the others by itself. */
import { loadMpi } from './mpi-library.ts';

/**
 * Ends all ranks, this one too, with this exit code; it does not return where MPI is there. Joins them first where this one has not: those
 * that join wait for it (MPICH's launcher lets them), and MPI ends no job before it is joined. Any thread may call it.
 *
 * @throws KOFFI_MISSING, MPI_LIBRARY_MISSING, MPI_FAILED
 */
export async function abortRanks(code: number): Promise<void> {
  const mpi = await loadMpi();
  if (mpi.isFinalized()) return; // all are through
  if (!mpi.isInitialized()) mpi.init();
  mpi.abort(code);
}
