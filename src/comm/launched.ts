/** What a launcher (mpirun, srun) says about this process in its environment, before MPI is loaded. */

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
