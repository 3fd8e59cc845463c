import type { Command } from 'commander';
import { init as propose } from '../../data/init.ts';
import { helpEnd } from '../help.ts';
import { memoryOption } from '../options.ts';
import { print } from '../output.ts';

interface Options {
  out?: string;
  memoryLimit?: string;
}

export function init(program: Command): void {
  const verb = program
    .command('init')
    .summary('propose a dataset configuration for your files')
    .description(
      'Looks at CSV, TSV, Parquet or JSON-lines files and writes a dataset configuration with the reason of each choice: a ' +
        'start to edit. The first file holds the rows; others are joined to it.',
    )
    .argument('<file...>', 'the files')
    .option('--out <file>', 'write the YAML here (default: print it)')
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

async function run(files: string[], { out, memoryLimit }: Options): Promise<void> {
  const { yaml, sourceFolder } = await propose(files, { out, memoryLimit });
  if (out === undefined) print(yaml.trimEnd());
  else print(`wrote ${out}\nnext: tributary validate ${out} --source ${sourceFolder}`);
}
