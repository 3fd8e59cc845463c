import { CommanderError } from 'commander';
import { expect, test } from 'vitest';
import { error } from '../../src/base/errors/index.ts';
import { tell } from '../../src/cli/failure.ts';
import { buildProgram } from '../../src/cli/program.ts';
import { helpOf, sink, verbsOf } from './support.ts';

/** What the command line says of these words, and its exit code. */
async function run(...words: string[]): Promise<{ code: number; out: string; err: string }> {
  const [out, err] = [sink(), sink()];
  const program = await buildProgram(words);
  for (const command of [program, ...program.commands, ...program.commands.flatMap((verb) => verb.commands)])
    command.configureOutput({ writeOut: (text) => out.write(text), writeErr: (text) => err.write(text) });
  try {
    await program.parseAsync(words, { from: 'user' });
    return { code: 0, out: out.text, err: err.text };
  } catch (cause) {
    const streams = { out: (text: string) => out.write(text), err: (text: string) => err.write(text) };
    const code = tell(cause, words.includes('--json'), `tributary ${words[0]}`, streams);
    return { code, out: out.text, err: err.text };
  }
}

/** Verbs that do something, with the words that lead to them. */
const verbs = verbsOf(await buildProgram());

test.each(verbs.map(({ words }) => words.join(' ')))(
  '%s --help has a description, examples of itself and exit codes',
  async (name) => {
    const { code, out } = await run(...name.split(' '), '--help');
    expect(code).toBe(0);
    expect(out).toMatch(new RegExp(`^Usage: tributary ${name} `));
    expect(out).toMatch(new RegExp(`Examples:\n  \\$ .*tributary ${name}`));
    expect(out).toMatch(/Exit codes:\n {2}0 {4}done\n {2}1 .*\n {2}2 /);
  },
);

test('a verb loads itself alone, the version nothing', async () => {
  const names = async (...words: string[]) => (await buildProgram(words)).commands.map((command) => command.name());
  const all = await names();
  for (const name of all) expect(await names(name)).toEqual(name === 'completion' ? all : [name]);
  for (const word of ['--help', '-h', 'trian', 'toString']) expect(await names(word)).toEqual(all);
  for (const word of ['--version', '-V']) expect(await names(word)).toEqual([]);
});

test('every example in the help is a command line that the program takes', () => {
  for (const { words, command } of verbs)
    for (const [, line] of helpOf(command).matchAll(/^ {2}\$ (.*)$/gm)) {
      const given = [
        ...line
          .replace(/^source <\((.*)\)$/, '$1')
          .replace(words[0] === 'launch' ? /^$/ : /^(?:mpirun .*? tributary|tributary launch .*? --) /, 'tributary ') // a verb over ranks
          .replace(/ > \S+$/, '')
          .matchAll(/'([^']*)'|(\S+)/g),
      ].map((m) => m[1] ?? m[2]);
      const { operands, unknown } = command.parseOptions(given.slice(1 + words.length));
      expect({ line, unknown }).toEqual({ line, unknown: [] });
      if (!command.registeredArguments.some(({ variadic }) => variadic))
        expect(operands.length, line).toBeLessThanOrEqual(command.registeredArguments.length);
    }
});

test.each([
  [['trian'], /unknown command 'trian' \(Did you mean train\?\)/],
  [['train', '--dta', 'x'], /unknown option '--dta' \(Did you mean --data\?\)/],
  [['train'], /missing: --data <dir>/],
  [['import', '--model', 'autoifs'], /missing: --weights <file>, --config <file>/],
  [['evaluate'], /missing required argument 'run'/],
  [['evaluate', 'r', '--split', 'tset'], /argument 'tset' is invalid. Allowed choices are train, validation, test/],
  [['train', '--data', 'd', '--seed', '-1'], /argument missing|'-1' is invalid. Expected a whole number of at least 0/],
  [['train', '--data', 'd', '--seed', '1.5'], /'1.5' is invalid. Expected a whole number of at least 0/],
  [['prepare', 'ml-1m', '--out', 'o'], /the recipe ml-1m needs --source/],
  [
    ['prepare', 'ml-1m', '--out', 'o', '--source', 's', '--rows', '500'],
    /--rows is for the recipes synthetic and shop only/,
  ],
  [
    ['prepare', 'ml-2m', '--out', 'o'],
    /ml-2m does not exist: expected a dataset configuration, or one of the recipes ml-1m/,
  ],
])('%j is refused with code 2 and says why', async (words, message) => {
  const { code, out, err } = await run(...words);
  expect(err).toMatch(message);
  expect(err).toMatch(/^error [A-Z_]+: /);
  expect(err).not.toMatch(/\n {4}at /);
  expect({ code, out }).toEqual({ code: 2, out: '' });
});

test('a command line that cannot be parsed has the code USAGE and names the help', async () => {
  const { code, err } = await run('train', '--dta', 'x');
  expect([code, err]).toEqual([
    2,
    expect.stringMatching(/^error USAGE: unknown option.*\nSee `tributary train --help`\n$/),
  ]);
});

test('with --json an error is an event on stdout, too', async () => {
  const { out, err } = await run('evaluate', '/nowhere', '--json');
  expect(JSON.parse(out)).toEqual({
    event: 'error',
    code: 'RUN_NOT_FOUND',
    message: expect.stringContaining('/nowhere is not a run folder'),
  });
  expect(err).toMatch(/^error RUN_NOT_FOUND: /);
});

test('a stack trace is for faults of the program alone', () => {
  const shown = (cause: unknown): string => {
    const err = sink();
    tell(cause, false, 'tributary', { out: () => {}, err: (text) => err.write(text) });
    return err.text;
  };
  expect(shown(new Error('boom'))).toMatch(/^error INTERNAL: .*\nError: boom\n {4}at /);
  expect(shown('odd')).toContain('odd');
  expect(shown(error('DISK_FULL', { path: '/x' }))).not.toMatch(/\n {4}at /);
  expect(tell(new CommanderError(0, 'commander.helpDisplayed', ''), false, '', { out: () => {}, err: () => {} })).toBe(
    0,
  );
});
