import type { Command } from 'commander';
import { helpEnd } from '../../help.ts';
import { jsonOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

export function key(program: Command): void {
  const verb = program
    .command('key')
    .summary('make a key for the ranking service')
    .description(
      'Prints a new random key, for whoever sends requests, and its SHA-256, for `keys` or `adminKeys` of the serving ' +
        'configuration. The key is not stored: copy it now.',
    )
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary key', 'tributary key --json']);
}

async function run({ json }: { json?: boolean }): Promise<void> {
  const { createKey } = await import('../../../serve/http/keys.ts');
  const { key: made, sha256 } = createKey();
  if (json) printJson({ event: 'result', key: made, sha256 });
  else print(`key     ${made}\nsha256  ${sha256}`);
}
