/** The ends of help texts: examples and exit codes. */
import type { Command } from 'commander';
import { EXIT } from '../base/errors/entry.ts';

type Exit = keyof typeof EXIT;

const MEANING: Record<Exit, string> = {
  ok: 'done',
  internal: 'a fault of tributary itself (the only case with a stack trace)',
  usage: 'wrong usage or configuration',
  data: 'the data are not what the configuration says',
  artifact: 'a run folder, checkpoint or weights file is damaged or does not fit',
  training: 'training broke down, for example by a loss that is not finite',
  environment: 'the machine refused: disk full, no permission, no memory, no backend',
  regressed: 'a run fell behind its baseline by more than a margin',
  interrupted: 'stopped by Ctrl-C or SIGTERM',
};

/** Every verb may end with these. */
const ALWAYS: Exit[] = ['ok', 'internal', 'usage', 'environment'];

/** A table of exit codes: all, or those of a verb in addition to the ones that every verb has. */
export function exitCodes(more?: Exit[]): string {
  const shown = (Object.keys(MEANING) as Exit[]).filter(
    (exit) => more === undefined || [...ALWAYS, ...more].includes(exit),
  );
  return ['Exit codes:', ...shown.map((exit) => `  ${String(EXIT[exit]).padEnd(5)}${MEANING[exit]}`)].join('\n');
}

/** Ends a verb's help with example lines and its exit codes. */
export function helpEnd(verb: Command, examples: string[], exits: Exit[] = []): void {
  const lines = ['', 'Examples:', ...examples.map((example) => `  $ ${example}`), '', exitCodes(exits)];
  verb.addHelpText('after', lines.join('\n'));
}
