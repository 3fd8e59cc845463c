import { EXIT, entry } from './entry.ts';

export const EVENT_ERRORS = {
  EVENT_CURSOR: entry(
    EXIT.usage,
    400,
    (d: { found: string }) => `"${d.found}" is no cursor of this log`,
    'Go on from the cursor that the last read gave, or read from the beginning',
  ),
  EVENT_VERSION: entry(
    EXIT.artifact,
    422,
    (d: { path: string; found: string }) =>
      `${d.path} holds events of the schema ${d.found}, this version reads event/1`,
    'Read it with the version of Tributary that wrote it, or a later one',
  ),
} as const;
