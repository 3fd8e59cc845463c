import { EXIT, entry } from './entry.ts';

export const COMMON_ERRORS = {
  FILE_MISSING: entry(
    EXIT.usage,
    404,
    (d: { path: string; expected: string }) => `${d.path} does not exist: expected ${d.expected}`,
    { onPage: 'Check the path' },
  ),
  FILE_OCCUPIED: entry(
    EXIT.usage,
    409,
    (d: { path: string; expected: string }) => `${d.path} exists and is not ${d.expected}: it is left as it is`,
    'Choose another place, or move it away first',
  ),
  FILE_TOO_LARGE: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: string; bytes: number; limit: number }) =>
      `${d.path} has ${d.bytes} bytes, at most ${d.limit} are read: expected ${d.expected}`,
    'The file is not the one that was written there: restore it from a copy, or make it again',
  ),
  FILE_UNREADABLE: entry(
    EXIT.environment,
    500,
    (d: { path: string; reason: string }) => `cannot read ${d.path}: ${d.reason}`,
    { onPage: 'Name a regular file that this user may read' },
  ),
  FILE_UNWRITABLE: entry(
    EXIT.environment,
    500,
    (d: { path: string; reason: string }) => `cannot write ${d.path}: ${d.reason}`,
    'Choose another place or fix the permissions; nothing was changed',
  ),
  SYSTEM_REFUSED: entry(
    EXIT.environment,
    500,
    (d: { reason: string }) => `the system refused: ${d.reason}`,
    'Check the path, its permissions, the space on the disk, the memory and the limits of the user (ulimit)',
  ),
  DISK_FULL: entry(
    EXIT.environment,
    507,
    (d: { path: string }) => `no space left on the disk of ${d.path}`,
    'Free some space and run the same command again; what was complete is kept',
  ),
} as const;
