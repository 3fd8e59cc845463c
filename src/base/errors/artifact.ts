import { EXIT, entry } from './entry.ts';

export const ARTIFACT_ERRORS = {
  CHECKSUM_MISMATCH: entry(
    EXIT.artifact,
    422,
    (d: { path: string; expected: string; found: string }) =>
      `${d.path} is damaged: its SHA-256 is ${d.found.slice(0, 16)}…, recorded was ${d.expected.slice(0, 16)}…`,
  ),
} as const;
