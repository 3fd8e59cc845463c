import type { Command } from 'commander';
import { init as propose } from '../../../data/init/init.ts';
import { helpEnd } from '../../help.ts';
import { memoryOption } from '../../options.ts';
import { print } from '../../output.ts';

interface Options {
  out?: string;
  force?: boolean;
  memoryLimit?: string;
}

export function init(program: Command): void {
  const verb = program
    .command('init')
    .summary('propose a dataset configuration for your files')
    .description(
      'Looks at CSV, TSV, Parquet or JSON-lines files and writes a dataset configuration with the reason of each choice: a ' +
        'start to edit. The file with the labels holds the rows; others are joined to it. A glob in quotes, or a folder, is one table.',
    )
    .argument('<file...>', 'the files, globs or folders')
    .option('--out <file>', 'write the YAML here (default: print it); its paths start from this folder')
    .option('--force', 'overwrite an existing file')
    .addOption(memoryOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary init clicks.parquet users.csv',
      "tributary init 'events/*.csv' --out shop.yaml && tributary validate shop.yaml",
    ],
    ['data'],
  );
}

async function run(files: string[], { out, force, memoryLimit }: Options): Promise<void> {
  const { yaml, failures } = await propose(files, { out, force, memoryLimit });
  if (out === undefined) {
    print(yaml.trimEnd());
    return;
  }
  const toDo = failures.map(({ check, message }) => `to do, ${check}: ${message}`);
  print([`wrote ${out}`, ...toDo, `next: tributary validate ${out}`].join('\n'));
}
