import type { Command } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import { oneLine } from '../../../base/one-line.ts';
import { formatFindings, validate as validateData, worstLevel } from '../../../data/checks/validate.ts';
import { recipes } from '../../../data/recipes/recipes.ts';
import { type DatasetOptions, landedOption, readDataset } from '../../dataset.ts';
import { helpEnd } from '../../help.ts';
import { collect, jsonOption, memoryOption } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options extends DatasetOptions {
  memoryLimit?: string;
}

export function validate(program: Command): void {
  const verb = program
    .command('validate')
    .summary('check a dataset configuration against its sources, before any work')
    .description(
      'Prints named findings: PASS, WARN or FAIL. Nothing is written (but the recipes synthetic and shop make their rows, and rows of databases and commands land). Ends with ' +
        'code 3 if something fails.',
    )
    .argument('<config|recipe>', `a dataset configuration, or ${Object.keys(recipes).join(', ')}`)
    .option('--source <dir>', "folder of the source files (default: the configuration's own)")
    .option('--set <path=value>', "change the configuration, or a recipe's option; may be repeated", collect)
    .addOption(memoryOption())
    .addOption(landedOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(verb, ['tributary validate shop.yaml', 'tributary validate ml-1m --source ml-1m --json'], ['data']);
}

async function run(target: string, options: Options): Promise<void> {
  const { config, sourceFolder } = await readDataset(target, 'tributary validate', options);
  const findings = await validateData(config, sourceFolder, { memoryLimit: options.memoryLimit });
  const level = worstLevel(findings);
  const { notes = [] } = config;
  if (options.json) {
    for (const finding of findings) printJson({ event: 'finding', ...finding });
    printJson({ event: 'result', level, findings: findings.length, notes });
  } else print([formatFindings(findings).trimEnd(), ...notes.map((note) => `note: ${oneLine(note)}`)].join('\n'));
  if (level === 'fail') process.exitCode = EXIT.data;
}
