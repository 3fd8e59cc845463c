import { type Command, Option } from 'commander';
import type { SplitName } from '../../../config/dataset.ts';
import type { Evaluation } from '../../../config/run.ts';
import { gridToJson } from '../../../documents/grid.ts';
import type { EvaluationDocument } from '../../../documents/result.ts';
import { evaluationText } from '../../../report/evaluation.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { evaluateRun } from '../../../train/evaluate-run.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import {
  backendOption,
  checkpointOption,
  deviceOfBackendOption,
  jsonOption,
  memoryOption,
  wholeNumber,
} from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { overRanks } from '../../process/ranks.ts';

interface Options {
  split: SplitName;
  data?: string;
  checkpoint?: string;
  trainedOn?: string;
  input?: string[];
  memoryLimit?: string;
  minPositives?: number;
  minNegatives?: number;
  weights?: Evaluation['weights'];
  k?: number;
  backend?: SessionOptions['backend'];
  json?: boolean;
}

export function evaluate(program: Command): void {
  const verb = program
    .command('evaluate')
    .summary("measure a run's model on its data, or on other labelled rows")
    .description(
      'Prints AUC, grouped AUC, NDCG, log loss and counts per scenario and task, exact on any number of rows. With --data on any ' +
        "prepared data set that has the same fields: its tokens are looked up in the run's vocabularies.",
    )
    .argument('<run>', 'the run folder')
    .addOption(new Option('--split <name>', 'rows to use').choices(['train', 'validation', 'test']).default('test'))
    .option(
      '--data <dir>',
      "a prepared data set with the same fields; or the run's own, if it was moved or the weights were imported without one",
    )
    .option('--trained-on <dir>', "the run's own data set, if it was moved and --data is another one")
    .option(
      '--input <file...>',
      "labelled files in place of a split, read as predict reads them; --data is then the run's own data set",
    )
    .addOption(memoryOption())
    .addOption(
      new Option('--min-positives <n>', 'leave cells with fewer out of means (default: as the run has it)').argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new Option('--min-negatives <n>', 'the same for negatives (default: as the run has it)').argParser(
        wholeNumber(0),
      ),
    )
    .addOption(
      new Option('--weights <kind>', 'how cells count in means (default: as the run has it)').choices([
        'equal',
        'positives',
      ]),
    )
    .addOption(
      new Option('--k <n>', "rows of each group's list that NDCG and MAP count (default: as the run has it)").argParser(
        wholeNumber(1),
      ),
    )
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(deviceOfBackendOption())
    .addOption(jsonOption())
    .action((folder: string, options: Options) => {
      if (options.input !== undefined && verb.getOptionValueSource('split') !== 'default')
        verb.error('--input has no splits: leave out --split');
      return run(folder, options);
    });
  helpEnd(
    verb,
    [
      'tributary evaluate runs/autoifs-ml-1m-1',
      'tributary evaluate runs/autoifs-ml-1m-1 --split validation --json',
      'tributary evaluate runs/autoifs-shop-1 --data data/shop-today --k 5',
      'tributary evaluate runs/autoifs-shop-1 --input monday.csv tuesday.csv',
      'tributary launch --ranks 2 -- evaluate runs/autoifs-ml-1m-1',
    ],
    ['data', 'artifact'],
  );
}

async function run(folder: string, { split, json, ...options }: Options): Promise<void> {
  const { minPositives, minNegatives, weights, k, ...source } = options;
  const asked = { minPositives, minNegatives, weights, k };
  const evaluation = Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
  const onEvent = checkpointNote(folder, json);
  const measured = await overRanks((ranks) => evaluateRun(folder, split, { ...source, evaluation, onEvent, ranks }));
  const { grid, choices, data, seconds } = measured;
  const { input } = options;
  const document: EvaluationDocument = {
    schema: 'evaluation/1',
    run: folder,
    data,
    ...(input === undefined ? { split } : { input }),
    ...gridToJson(grid),
    choices,
    seconds,
  };
  if (json) printJson({ event: 'result', ...document });
  else print(evaluationText(document));
}
