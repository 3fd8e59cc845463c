import { EXIT, entry } from './entry.ts';

export const COMM_ERRORS = {
  COLLECTIVE_MISUSED: entry(
    EXIT.internal,
    500,
    (d: { collective: string; found: string; expected: string }) =>
      `ranks do not fit together in ${d.collective}: found ${d.found}, expected ${d.expected}`,
    { onPage: 'A fault of the program: please report this with the command' },
  ),
  KOFFI_MISSING: entry(
    EXIT.environment,
    500,
    (d: { version: string; reason: string }) =>
      `several ranks need the package koffi, which calls MPI, and it does not load here: ${d.reason}`,
    (d) => `Install it next to tributary-ranker: \`npm install koffi@${d.version}\``,
  ),
  MPI_LIBRARY_MISSING: entry(
    EXIT.environment,
    500,
    (d: { kind?: string; reasons: readonly string[]; variable: string }) =>
      `no library of ${d.kind ?? 'MPI'} was found (${d.reasons.join('; ')})`,
    (d) =>
      `Install it (Debian: \`apt-get install ${d.kind === 'MPICH' ? 'mpich' : 'openmpi-bin'}\`), or set ${d.variable} to its path`,
  ),
  MPI_FAILED: entry(
    EXIT.environment,
    500,
    (d: { call: string; reason: string; version: string }) => `${d.call} of ${d.version} failed: ${d.reason}`,
    'A rank or the network between them may be lost. Resume from the last checkpoint: `tributary resume` with the same launcher',
  ),
  RANKS_DIFFER: entry(
    EXIT.usage,
    400,
    (d: { rank: number; host: string; what: string; found: string; expected: string }) =>
      `rank ${d.rank} (on ${d.host}) has another ${d.what} than rank 0: found ${d.found}, expected ${d.expected}`,
    'Start all ranks by one command, with the same version of tributary, and with the same files at the same paths',
  ),
  RANKS_MISMATCH: entry(
    EXIT.environment,
    500,
    (d: { size: number; expected: number; version: string }) =>
      `the launcher started ${d.expected} ${d.expected === 1 ? 'rank' : 'ranks'}, but ${d.version} sees ${d.size}: the launcher belongs to another MPI`,
    'Start with the `mpirun` of that MPI, or set TRIBUTARY_MPI_LIBRARY to the library of the launcher',
  ),
} as const;
