/** What a user sees of an error: its message and code, or, for a bug, a stack trace. */

import { CommanderError } from 'commander';
import { EXIT } from '../base/errors/entry.ts';
import { error, TributaryError } from '../base/errors/index.ts';
import { printable } from '../base/one-line.ts';

/** Where the command's output goes. */
interface Streams {
  out: (text: string) => void;
  err: (text: string) => void;
}

/** Reports an error and returns the exit code. With `json` also as an event on stdout. */
export function tell(cause: unknown, json: boolean, command: string, { out, err }: Streams): number {
  // Help and version are already printed.
  if (cause instanceof CommanderError && (cause.exitCode === 0 || cause.code === 'commander.help'))
    return cause.exitCode === 0 ? EXIT.ok : EXIT.usage;
  const known = asKnown(cause, command);
  if (known === undefined) {
    const { message, stack } = cause instanceof Error ? cause : { message: String(cause), stack: undefined };
    const code = cause instanceof TributaryError ? cause.code : 'INTERNAL';
    if (json) out(`${JSON.stringify({ event: 'error', code, message })}\n`);
    err(`error ${code}: this is a fault of tributary itself, please report it\n${stack ?? message}\n`);
    return EXIT.internal;
  }
  const { code, message } = known;
  if (json) out(`${JSON.stringify({ event: 'error', code, message })}\n`);
  err(`error ${code}: ${printable(message)}\n`);
  return known.exitCode;
}

/** A system call that failed, or memory that was not there, where no code expected it: not a bug of the program. */
function isSystemError(cause: unknown): cause is Error {
  if (!(cause instanceof Error)) return false;
  const { code, syscall } = cause as NodeJS.ErrnoException;
  const isCall = typeof syscall === 'string' && /^E[A-Z0-9]+$/.test(code ?? '');
  return (
    isCall || (cause instanceof RangeError && /allocation failed|ERR_MEMORY/i.test(`${cause.message} ${code ?? ''}`))
  );
}

function asKnown(cause: unknown, command: string): TributaryError | undefined {
  if (cause instanceof TributaryError) return cause.exitCode === EXIT.internal ? undefined : cause;
  if (isSystemError(cause)) return error('SYSTEM_REFUSED', { reason: cause.message }, cause);
  if (!(cause instanceof CommanderError)) return undefined;
  const problem = cause.message.replace(/^error: /, '').replaceAll(/\s*\n\s*/g, ' ');
  return error('USAGE', { problem, command }, cause);
}
