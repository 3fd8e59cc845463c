import { EXIT, entry } from './entry.ts';

export const COMM_ERRORS = {
  COLLECTIVE_MISUSED: entry(
    EXIT.internal,
    500,
    (d: { collective: string; found: string; expected: string }) =>
      `ranks do not fit together in ${d.collective}: found ${d.found}, expected ${d.expected}`,
    { onPage: 'A fault of the program: please report this with the command' },
  ),
} as const;
