import { EXIT, entry } from './entry.ts';

export const CONFIG_ERRORS = {
  CONFIG_INVALID: entry(
    EXIT.usage,
    400,
    (d: { source: string; problems: { path: string; message: string }[] }) =>
      `${d.problems.length} mistake${d.problems.length === 1 ? '' : 's'} in ${d.source}:\n` +
      d.problems.map((p) => `  ${p.path || '(top level)'}: ${p.message}`).join('\n'),
    {
      onPage: 'Each line names an entry of the configuration, what it has and what is expected there: correct them all',
    },
  ),
  CONFIG_UNREADABLE: entry(
    EXIT.usage,
    400,
    (d: { path: string; problems: string[] }) =>
      `${d.path} cannot be read as a configuration:\n${d.problems.map((problem) => `  ${problem}`).join('\n')}`,
    { onPage: 'Correct the lines that the message names. YAML, JSON and TypeScript or JavaScript modules are read' },
  ),
} as const;
