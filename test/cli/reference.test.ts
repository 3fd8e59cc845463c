import type { Command } from 'commander';
import { expect, test } from 'vitest';
import { buildProgram } from '../../src/cli/program.ts';
import { helpOf, verbsOf } from './support.ts';

const section = (title: string, command: Command): string => `${title}\n\n\`\`\`text\n${helpOf(command)}\n\`\`\`\n`;

test('docs/cli.md says what --help says (mend with: npm run build:docs)', async () => {
  const program = await buildProgram();
  const page = [
    section('# The command line', program),
    'With `--json` stdout has one JSON object per line, each with an `event`; the last is the result. An error is a line\n' +
      '`{"event":"error","code":...,"message":...}` there and a text on stderr.\n',
    ...verbsOf(program).map(({ words, command }) => section(`## ${words.join(' ')}`, command)),
  ].join('\n');
  await expect(page).toMatchFileSnapshot('../../docs/cli.md');
});
