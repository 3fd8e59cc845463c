import { EXIT, entry } from './entry.ts';

export const CLI_ERRORS = {
  USAGE: entry(
    EXIT.usage,
    400,
    (d: { problem: string; command: string }) => `${d.problem}\n`,
    (d) => `See \`${d.command} --help\``,
  ),
} as const;
