/** How ranks are started on one machine: finds `mpirun`, and says with which options it starts them. */
import { spawnSync } from 'node:child_process';
import { availableParallelism } from 'node:os';
import { error } from '../base/errors/index.ts';
import type { Launched } from './launched.ts';

export interface LaunchPlan {
  kind: NonNullable<Launched['kind']>;
  command: string;
  args: string[];
  /** Variables that the launcher and its ranks get in addition. */
  env: Record<string, string>;
}

/**
 * @param mpirun a name on the PATH, or a path
 * @param program what each rank runs: a command and its arguments
 * @throws LAUNCHER_MISSING, LAUNCHER_UNKNOWN
 */
export function planLaunch(ranks: number, program: readonly string[], mpirun = 'mpirun'): LaunchPlan {
  const kind = kindOf(mpirun);
  const size = ['-np', `${ranks}`];
  if (kind === 'MPICH') return { kind, command: mpirun, args: [...size, ...program], env: {} };
  const options = [
    ...['--bind-to', 'none'], // by default each rank gets one core, and the threads of a rank share it
    '--oversubscribe', // by default it refuses more ranks than physical cores
    '--quiet', // it would explain each exit code other than 0, which ranks have done
    ...(process.getuid?.() === 0 ? ['--allow-run-as-root'] : []),
  ];
  return { kind, command: mpirun, args: [...options, ...size, ...program], env: yielding(ranks) };
}

/** What lets Open MPI's ranks give up the core that they spin on, where each core has one: threads of other ranks wait for it. */
const YIELD = 'OMPI_MCA_mpi_yield_when_idle';

const yielding = (ranks: number): Record<string, string> =>
  ranks < availableParallelism() || process.env[YIELD] !== undefined ? {} : { [YIELD]: '1' };

function kindOf(mpirun: string): LaunchPlan['kind'] {
  const { error: cause, stdout, stderr } = spawnSync(mpirun, ['--version'], { encoding: 'utf8' });
  if (cause !== undefined) throw error('LAUNCHER_MISSING', { mpirun, reason: cause.message }, cause);
  const text = `${stdout}\n${stderr}`;
  if (/open mpi|openrte|prrte/i.test(text)) return 'Open MPI';
  if (/hydra|mpich|intel\(r\) mpi/i.test(text)) return 'MPICH';
  throw error('LAUNCHER_UNKNOWN', { mpirun, found: text.trim().split('\n')[0] });
}
