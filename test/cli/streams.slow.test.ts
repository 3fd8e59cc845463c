/** What the command does where its output cannot be written, and for failed system calls that no room expected. */
import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { describe, expect, test } from 'vitest';
import { tell } from '../../src/cli/failure.ts';

const COMMAND = resolve('bin/tributary.js');
/** Runs a command of the shell in which $T is the program. */
const shell = (script: string) => {
  const { status, stdout, stderr } = spawnSync('bash', ['-c', script], {
    encoding: 'utf8',
    env: { ...process.env, T: COMMAND, NODE: process.execPath },
  });
  return { code: status, out: stdout, err: stderr };
};

describe('stdout that is gone or full', () => {
  test('a reader that goes away is no error', () => {
    const { err, out } = shell('set -o pipefail; "$NODE" "$T" models | head -1; echo "$?"');
    expect(err).toBe('');
    expect(out.trim().split('\n').at(-1)).toBe('0');
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk is told once, with a code', () => {
    for (const words of ['models', '--version', 'completion bash']) {
      const { code, err } = shell(`"$NODE" "$T" ${words} > /dev/full`);
      expect(code).toBe(6);
      expect(err).toMatch(/^error FILE_UNWRITABLE: cannot write to stdout: ENOSPC[^\n]*\n$/);
    }
  });

  test.skipIf(!existsSync('/dev/full'))('a full disk under stderr changes no exit code', () => {
    expect(shell('"$NODE" "$T" nonsense 2> /dev/full').code).toBe(2);
    expect(shell('"$NODE" "$T" --version 2> /dev/full').code).toBe(0);
  });

  test('a closed stdout is no error', () => {
    expect(shell('"$NODE" "$T" --version >&-')).toMatchObject({ code: 0, err: '' });
  });
});

test('a system call that failed where no room expected it is no fault of the program', () => {
  const written: string[] = [];
  const streams = { out: (text: string) => written.push(text), err: (text: string) => written.push(text) };
  const cause = Object.assign(new Error('EMFILE: too many open files, open x'), { code: 'EMFILE', syscall: 'open' });
  expect(tell(cause, false, 'tributary', streams)).toBe(6);
  expect(tell(new RangeError('Array buffer allocation failed'), false, 'tributary', streams)).toBe(6);
  expect(written.join('')).toMatch(/^error SYSTEM_REFUSED: .*EMFILE[^\n]*\nerror SYSTEM_REFUSED: [^\n]*\n$/);
  expect(tell(new RangeError('Maximum call stack size exceeded'), false, 'tributary', streams)).toBe(1);
});
