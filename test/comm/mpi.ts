/** MPI implementations that are installed here, and how to run a program of a test over ranks. */
import { execFile, spawnSync } from 'node:child_process';
import { resolve } from 'node:path';
import { promisify } from 'node:util';

const JITI = resolve('node_modules/jiti/lib/jiti-cli.mjs');
export const RANK = resolve('test/comm/rank.ts');

const ROOT = process.getuid?.() === 0 ? ['--allow-run-as-root'] : [];

/** Arguments before the program. Open MPI binds ranks to cores otherwise, and refuses more ranks than cores. */
export const LAUNCHERS = {
  'Open MPI': { command: 'mpirun.openmpi', options: ['--bind-to', 'none', '--oversubscribe', '--quiet', ...ROOT] },
  MPICH: { command: 'mpirun.mpich', options: [] },
};

export type Implementation = keyof typeof LAUNCHERS;

export const IMPLEMENTATIONS: Implementation[] = ['Open MPI', 'MPICH'];

const exists = (command: string): boolean => spawnSync(command, ['--version']).status === 0;

/** Why tests of an implementation are skipped, or undefined where it is installed. */
export function missing(implementation: Implementation): string | undefined {
  const { command } = LAUNCHERS[implementation];
  const debian = implementation === 'MPICH' ? 'mpich' : 'openmpi-bin';
  return exists(command) ? undefined : `there is no ${command} (Debian: apt-get install ${debian})`;
}

export interface Ended {
  code: number | string;
  stdout: string;
  stderr: string;
}

/** Runs a script of the tests on `size` ranks. */
export async function overRanks(
  implementation: Implementation,
  size: number,
  script: string,
  args: string[] = [],
  env: NodeJS.ProcessEnv = {},
): Promise<Ended> {
  const { command, options } = LAUNCHERS[implementation];
  return ended(command, [...options, '-np', `${size}`, ...scriptCommand(script, ...args)], env);
}

/** Without a launcher. */
export const alone = (script: string, args: string[] = [], env: NodeJS.ProcessEnv = {}): Promise<Ended> =>
  ended(process.execPath, [JITI, script, ...args], env);

/** The command of a script of the tests. */
export const scriptCommand = (script: string, ...args: string[]): string[] => [process.execPath, JITI, script, ...args];

/** The command of one rank of `rank.ts`. */
export const rankCommand = (program: string): string[] => scriptCommand(RANK, program);

/** What ranks printed, by rank. */
export const linesOf = ({ stdout }: Ended): Record<string, unknown>[] =>
  stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
    .sort((a, b) => a.rank - b.rank);

/** Runs a command to its end. */
export async function ended(command: string, args: string[], env: NodeJS.ProcessEnv): Promise<Ended> {
  try {
    const { stdout, stderr } = await promisify(execFile)(command, args, { env: { ...process.env, ...env } });
    return { code: 0, stdout, stderr };
  } catch (cause) {
    const { code, signal, stdout, stderr } = cause as Ended & { signal?: string };
    return { code: signal ?? code, stdout, stderr };
  }
}
