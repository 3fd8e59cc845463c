import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';

/** A command's help, at a width that does not depend on the terminal. */
function helpOf(command: Command): string {
  let text = '';
  command.configureOutput({
    writeOut: (part) => {
      text += part;
    },
    getOutHelpWidth: () => 120,
  });
  command.outputHelp();
  return text.trimEnd();
}

const section = (title: string, command: Command): string => `${title}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;

test('docs/cli.md says what --help says (mend with: npm run build:docs)', async () => {
  const program = buildProgram();
  const page = [
    section('# The command line', program),
    'With `--json` stdout has one JSON object per line, each with an `event`; the last is the result. An error is a line\n' +
      '`{"event":"error","code":...,"message":...}` there and a text on stderr.\n',
    ...program.commands.map((verb) => section(`## ${verb.name()}`, verb)),
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/cli.md');
});
