import { constants } from 'node:os';
import { EXIT, entry } from './entry.ts';

export const CLI_ERRORS = {
  USAGE: entry(
    EXIT.usage,
    400,
    (d: { problem: string; command: string }) => `${d.problem}\n`,
    (d) => `See \`${d.command} --help\``,
  ),
  RANKS_NOT_SUPPORTED: entry(
    EXIT.usage,
    400,
    (d: { verb: string; known: readonly string[] }) =>
      `\`tributary ${d.verb}\` does not run over several ranks: each would do all the work, and write to the same folders`,
    (d) => `Run it without a launcher. Over ranks run: ${d.known.join(', ')}`,
  ),
  LAUNCHER_MISSING: entry(
    EXIT.environment,
    500,
    (d: { mpirun: string; reason: string }) => `the launcher "${d.mpirun}" does not start: ${d.reason}`,
    'Install Open MPI or MPICH (Debian: `apt-get install openmpi-bin`), or name the launcher with --mpirun',
  ),
  LAUNCHER_UNKNOWN: entry(
    EXIT.environment,
    500,
    (d: { mpirun: string; found: string }) => `"${d.mpirun} --version" says "${d.found}": expected Open MPI or MPICH`,
    'Name another launcher with --mpirun, or start the command by your own launcher',
  ),
  LAUNCHER_FAILED: entry(
    EXIT.environment,
    500,
    (d: { mpirun: string; kind: string; code: number }) => `${d.mpirun} (${d.kind}) ended with code ${d.code}`,
    (d) => `If no rank reported an error, it could not start them: \`${d.mpirun} -np 1 true\` may say why`,
  ),
  RANK_LOST: entry(
    EXIT.environment,
    500,
    (d: { kind: string; code: number; ranks: number; run?: string }) =>
      `a rank ended by ${signalOf(d)} before it was done, and the launcher ended the others`,
    (d) =>
      d.run === undefined
        ? 'Nothing was trained yet: start again'
        : `Resume from the last checkpoint: \`tributary launch --ranks ${d.ranks} -- resume ${d.run}\`. A killed rank often means that memory ran out`,
  ),
} as const;

/** Launchers report the number of a signal, or 128 more; MPICH's with the bits of SIGKILL, by which it ends the other ranks. */
function signalOf({ kind, code }: { kind: string; code: number }): string {
  const number = code > 128 ? code - 128 : code;
  if (kind === 'MPICH' && number === (number | constants.signals.SIGKILL) && number !== constants.signals.SIGKILL)
    return 'a signal';
  const name = Object.entries(constants.signals).find(([, value]) => value === number)?.[0];
  return name === undefined ? `exit code ${code}` : name;
}
