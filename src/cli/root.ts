/** The root command of all verbs. */
import { Command } from 'commander';
import { VERSION } from '../base/version.ts';
import { exitCodes } from './help.ts';
import { checkRequired, takeDevice } from './options.ts';
import { checkOverRanks, wordsOf } from './process/ranks.ts';

/** Parsing errors and help end in a CommanderError, which the caller reports. */
export function programOf(verbs: readonly ((program: Command) => void)[]): Command {
  const program = new Command('tributary')
    .description('Train, evaluate and use rankers for several scenarios and several tasks.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .hook('preAction', (_, verb) => {
      checkRequired(verb);
      takeDevice(verb);
      checkOverRanks(wordsOf(verb));
    })
    .addHelpText(
      'after',
      `\nTry \`tributary demo\` first. Each verb has its own --help with examples.\n\n${exitCodes()}`,
    );
  for (const add of verbs) add(program);
  return program;
}
