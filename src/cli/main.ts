/** The command line. Only this room listens to signals, and only this file and the verbs set the exit code. */
import { EXIT } from '../base/errors/entry.ts';
import { TributaryError } from '../base/errors/index.ts';
import { tell } from './failure.ts';
import { noteEnd, noteFailure } from './process/notes.ts';
import { endRanks, isLead, reportedAs } from './process/ranks.ts';
import { buildProgram } from './program.ts';

// A closed pipe (`tributary models | head`) or a full disk must not stop a training. The failure is reported once, and by the
// exit code at the end.
let isLost = false;
process.stdout.on('error', (cause: NodeJS.ErrnoException) => {
  if (cause.code === 'EPIPE') return;
  if (!isLost) process.stderr.write(`error FILE_UNWRITABLE: cannot write to stdout: ${cause.message}\n`);
  isLost = true;
});
process.stderr.on('error', () => {});
process.on('exit', (code) => {
  if (isLost && code === EXIT.ok) process.exitCode = EXIT.environment;
  if (process.exitCode) noteEnd(Number(process.exitCode));
});

const words = process.argv.slice(2);
const program = await buildProgram(words);

/** The command that is named, with its group: `tributary log drift`. */
function namedIn(words: readonly string[]): string {
  let [command, name]: [typeof program | undefined, string] = [program, 'tributary'];
  for (const word of words.slice(0, 2)) {
    command = command?.commands.find((one) => one.name() === word);
    if (command !== undefined) name += ` ${word}`;
  }
  return name;
}

async function report(cause: unknown): Promise<void> {
  const prefix = await reportedAs(cause);
  const code = tell(cause, words.includes('--json'), namedIn(words), {
    out: (text) => isLead() && process.stdout.write(text),
    err: (text) => prefix !== undefined && process.stderr.write(prefix + text),
  });
  process.exitCode = code;
  const isLost = cause instanceof TributaryError && cause.code === 'MPI_FAILED'; // of another rank
  if (code === EXIT.ok) return;
  noteEnd(code); // what ends the others may end this process at once
  if (!isLost) noteFailure(code);
  await endRanks(code);
}

// Errors that no verb awaits, such as those of stream events.
for (const event of ['uncaughtException', 'unhandledRejection'] as const)
  process.on(event, (cause) => void report(cause).then(() => process.exit()));

try {
  await program.parseAsync(words, { from: 'user' });
} catch (cause) {
  await report(cause);
}
