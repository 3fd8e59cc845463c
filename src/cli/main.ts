/** The command line. Only this room listens to signals, and only this file and the verbs set the exit code. */
import { EXIT } from '../base/errors/entry.ts';
import { tell } from './failure.ts';
import { buildProgram } from './program.ts';

// A reader that goes away (`tributary models | head`) is no reason to stop training.
for (const stream of [process.stdout, process.stderr])
  stream.on('error', (cause: NodeJS.ErrnoException) => {
    if (cause.code === 'EPIPE') return;
    process.exitCode = EXIT.environment;
    if (stream === process.stdout)
      process.stderr.write(`error FILE_UNWRITABLE: cannot write to stdout: ${cause.message}\n`);
  });

const words = process.argv.slice(2);
const program = await buildProgram(words);
try {
  await program.parseAsync(words, { from: 'user' });
} catch (cause) {
  const verb = program.commands.find((command) => command.name() === words[0]);
  process.exitCode = tell(cause, words.includes('--json'), `tributary${verb ? ` ${verb.name()}` : ''}`, {
    out: (text) => process.stdout.write(text),
    err: (text) => process.stderr.write(text),
  });
}
