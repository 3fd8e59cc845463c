/** What a launcher (mpirun, srun) says about this process in its environment, before MPI is loaded. */
import { availableParallelism } from 'node:os';

export interface Launched {
  rank: number;
  size: number;
  /** Ranks on this machine, which share its cores. */
  localSize: number;
  /** Whose libraries fit the launcher; undefined where both could. */
  kind?: 'Open MPI' | 'MPICH';
}

/** A process of a launcher, or undefined for a program that was started alone. Processes started by a rank look alike. */
export function launched(env: NodeJS.ProcessEnv = process.env): Launched | undefined {
  // Slurm writes tasks per node like 4(x2).
  const number = (name: string): number | undefined =>
    /^\d/.test(env[name] ?? '') ? parseInt(env[name]!, 10) : undefined;
  const of = (rank: string, size: string, local: string, kind?: Launched['kind']): Launched | undefined => {
    const [r, s] = [number(rank), number(size)];
    return r === undefined || s === undefined ? undefined : { rank: r, size: s, localSize: number(local) ?? s, kind };
  };
  return (
    of('OMPI_COMM_WORLD_RANK', 'OMPI_COMM_WORLD_SIZE', 'OMPI_COMM_WORLD_LOCAL_SIZE', 'Open MPI') ??
    of('PMI_RANK', 'PMI_SIZE', 'MPI_LOCALNRANKS', 'MPICH') ?? // Hydra: MPICH, Intel MPI, MVAPICH
    of('PMIX_RANK', 'SLURM_STEP_NUM_TASKS', 'SLURM_STEP_TASKS_PER_NODE') // srun --mpi=pmix
  );
}

/** Cores that one rank may use: those of the machine, shared among its ranks; undefined for one rank alone. */
export function coresOf({ size }: { size: number }): number | undefined {
  if (size === 1) return undefined;
  return Math.max(1, Math.floor(availableParallelism() / ranksHere(size)));
}

/** Ranks on this machine, of `size` in all. */
export const ranksHere = (size: number): number => (size === 1 ? 1 : (launched()?.localSize ?? size));
