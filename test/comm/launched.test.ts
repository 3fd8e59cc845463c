/** What launchers write into the environment of their processes. */
import { availableParallelism } from 'node:os';
import { expect, test } from 'vitest';
import { launched } from '../../src/comm/launched.ts';
import { planLaunch } from '../../src/comm/launcher.ts';
import { openCollective } from '../../src/comm/open.ts';
import { LAUNCHERS, missing } from './mpi.ts';

test.each([
  ['nothing', {}, undefined],
  [
    'mpirun of Open MPI',
    { OMPI_COMM_WORLD_RANK: '3', OMPI_COMM_WORLD_SIZE: '8', OMPI_COMM_WORLD_LOCAL_SIZE: '4' },
    { rank: 3, size: 8, localSize: 4, kind: 'Open MPI' },
  ],
  ['Hydra', { PMI_RANK: '1', PMI_SIZE: '2', MPI_LOCALNRANKS: '2' }, { rank: 1, size: 2, localSize: 2, kind: 'MPICH' }],
  [
    'srun with PMIx',
    { PMIX_RANK: '5', SLURM_STEP_NUM_TASKS: '8', SLURM_STEP_TASKS_PER_NODE: '4(x2)' },
    { rank: 5, size: 8, localSize: 4, kind: undefined },
  ],
  ['a batch job of Slurm that starts no ranks', { SLURM_NTASKS: '8', SLURM_PROCID: '0' }, undefined],
])('%s', (_, env, expected) => {
  expect(launched(env)).toEqual(expected);
});

test('a program that no launcher started is one rank', async () => {
  const ranks = await openCollective();
  expect([ranks.rank, ranks.size]).toEqual([0, 1]);
});

test.skipIf(missing('Open MPI'))('ranks of Open MPI that have no cores to spare yield to each other', () => {
  const { command } = LAUNCHERS['Open MPI'];
  const cores = availableParallelism();
  expect(planLaunch(cores, ['true'], command).env).toEqual({ OMPI_MCA_mpi_yield_when_idle: '1' });
  if (cores > 1) expect(planLaunch(cores - 1, ['true'], command).env).toEqual({});
});
