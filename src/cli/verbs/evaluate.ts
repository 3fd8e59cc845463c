import { type Command, Option } from 'commander';
import type { SplitName } from '../../config/dataset.ts';
import { formatGrid, gridToJson } from '../../evaluate/index.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { evaluateRun } from '../../train/evaluate-run.ts';
import { checkpointNote } from '../checkpoint.ts';
import { helpEnd } from '../help.ts';
import { backendOption, checkpointOption, jsonOption } from '../options.ts';
import { duration, print, printJson } from '../output.ts';

interface Options {
  split: SplitName;
  data?: string;
  checkpoint?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
}

export function evaluate(program: Command): void {
  const verb = program
    .command('evaluate')
    .summary("measure a run's model on a split of its data")
    .description('Prints AUC, grouped AUC, log loss and counts per scenario and task, exact on any number of rows.')
    .argument('<run>', 'the run folder')
    .addOption(new Option('--split <name>', 'rows to use').choices(['train', 'validation', 'test']).default('test'))
    .option(
      '--data <dir>',
      'the prepared data set, where it is no longer in its place or the weights were imported without one',
    )
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    ['tributary evaluate runs/autoifs-ml-1m-1', 'tributary evaluate runs/autoifs-ml-1m-1 --split validation --json'],
    ['data', 'artifact'],
  );
}

async function run(folder: string, { split, json, ...options }: Options): Promise<void> {
  const onCheckpoint = checkpointNote(folder, json);
  const { grid, choices, seconds } = await evaluateRun(folder, split, { ...options, onCheckpoint });
  if (json) printJson({ event: 'result', run: folder, split, ...gridToJson(grid), choices, seconds });
  else print(`${split} rows\n${formatGrid(grid)}\n\n${duration(seconds)}`);
}
