/** All verbs of the command line, put together. */
import { Command } from 'commander';
import { VERSION } from '../base/version.ts';
import { exitCodes } from './help.ts';
import { checkRequired } from './options.ts';
import { bench } from './verbs/bench.ts';
import { compare } from './verbs/compare.ts';
import { completion } from './verbs/completion.ts';
import { demo } from './verbs/demo.ts';
import { evaluate } from './verbs/evaluate.ts';
import { exportVerb } from './verbs/export.ts';
import { importVerb } from './verbs/import.ts';
import { init } from './verbs/init.ts';
import { models } from './verbs/models.ts';
import { parity } from './verbs/parity.ts';
import { predict } from './verbs/predict.ts';
import { prepare } from './verbs/prepare.ts';
import { resume } from './verbs/resume.ts';
import { train } from './verbs/train.ts';
import { validate } from './verbs/validate.ts';

/** In the order of the help. Adding a verb is a file and a line here. */
const VERBS = [
  demo,
  init,
  validate,
  prepare,
  train,
  resume,
  evaluate,
  predict,
  compare,
  importVerb,
  exportVerb,
  models,
  parity,
  bench,
  completion,
];

/** Parsing errors and help end in a CommanderError; whoever runs the program tells it. */
export function buildProgram(): Command {
  const program = new Command('tributary')
    .description('Train, evaluate and use rankers for several scenarios and several tasks.')
    .version(VERSION, '-V, --version', 'print the version')
    .helpOption('-h, --help', 'print this help')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({ outputError: () => {} })
    .hook('preAction', (_, verb) => checkRequired(verb))
    .addHelpText(
      'after',
      `\nTry \`tributary demo\` first. Each verb has its own --help with examples.\n\n${exitCodes()}`,
    );
  for (const add of VERBS) add(program);
  return program;
}
