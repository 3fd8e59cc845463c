import type { Command } from 'commander';
import { predictRun } from '../../../inference/predict.ts';
import { count, duration } from '../../../report/numbers.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  checkpointOption,
  deviceOfBackendOption,
  jsonOption,
  memoryOption,
  RequiredOption,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  input: string;
  output: string;
  force?: boolean;
  data?: string;
  checkpoint?: string;
  memoryLimit?: string;
  uncalibrated?: boolean;
  backend?: SessionOptions['backend'];
  json?: boolean;
}

export function predict(program: Command): void {
  const verb = program
    .command('predict')
    .summary("score a raw file with a run's model or an artifact")
    .description(
      'Writes the rows of the input, in their order, with a column probability_TASK per task. The file needs the columns of ' +
        'the fields and the scenario; no labels. Rows for which "where" of the configuration is not true, or without a scenario, ' +
        'get no probabilities. Of an artifact the probabilities are calibrated, as a server gives them.',
    )
    .argument('<run>', 'the run folder, or an artifact')
    .addOption(
      new RequiredOption(
        '--input <file>',
        'CSV, Parquet or JSON (or a folder of them), with the columns that the data set was made from',
      ),
    )
    .addOption(
      new RequiredOption('--output <file>', 'the file to write; its name ends in .parquet, .csv, .tsv or .jsonl'),
    )
    .option(
      '--data <dir>',
      'the prepared data set, if it was moved or the weights were imported without one; always for an artifact',
    )
    .addOption(checkpointOption())
    .option('--force', 'replace the output file even if no prediction wrote it')
    .option('--uncalibrated', 'of an artifact: the probabilities before calibration')
    .addOption(memoryOption())
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary predict runs/autoifs-shop-1 --input today.csv --output scores.parquet',
      'tributary predict artifacts/shop --data data/shop --input today.csv --output scores.parquet',
    ],
    ['data', 'artifact'],
  );
}

async function run(folder: string, { json, ...options }: Options): Promise<void> {
  const started = performance.now();
  const { rows, scored, excluded, ignored } = await predictRun(folder, {
    ...options,
    onEvent(event) {
      if (event.event === 'weights') checkpointNote(folder, json)(event);
    },
  });
  const seconds = (performance.now() - started) / 1000;
  if (json)
    printJson({ event: 'result', run: folder, output: options.output, rows, scored, excluded, ignored, seconds });
  else {
    const unscored = [
      ...(excluded > 0 ? [`${count(excluded)} that "where" leaves out`] : []),
      ...(rows - scored > excluded ? [`${count(rows - scored - excluded)} without a scenario`] : []),
    ];
    const without = unscored.length === 0 ? '' : `, no probabilities for ${unscored.join(' and ')}`;
    print(`wrote ${count(rows)} rows to ${options.output}${without} (${duration(seconds)})`);
    if (ignored.length > 0)
      print(`the input lacks columns of "where", so it was not asked whether ${ignored.join(' and ')}`);
  }
}
