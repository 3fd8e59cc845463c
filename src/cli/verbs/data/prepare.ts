import type { Command } from 'commander';
import { oneLine } from '../../../base/one-line.ts';
import type { SplitName } from '../../../config/dataset.ts';
import { type Preparation, type PrepareProgress, prepare as prepareData } from '../../../data/prepare/prepare.ts';
import type { Statistics } from '../../../data/prepare/statistics.ts';
import type { Manifest } from '../../../data/prepared/prepared.ts';
import { recipes } from '../../../data/recipes/recipes.ts';
import { count, duration } from '../../../report/numbers.ts';
import { numeric, tableOf, textTable } from '../../../report/table.ts';
import { type DatasetOptions, landedOption, readDataset } from '../../dataset.ts';
import { helpEnd } from '../../help.ts';
import { collect, jsonOption, memoryOption, RequiredOption, seedOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options extends DatasetOptions {
  out: string;
  memoryLimit?: string;
  vocabularyFrom?: string;
}

export function prepare(program: Command): void {
  const verb = program
    .command('prepare')
    .summary('encode raw files for training')
    .description(
      'Reads source files out of core, splits them, builds vocabularies and writes encoded rows. A second run with ' +
        'nothing changed does nothing; an interrupted or failed run leaves what was there.',
    )
    .argument(
      '<recipe|config>',
      `${Object.keys(recipes).join(', ')}, or a dataset configuration (YAML, JSON, TypeScript)`,
    )
    .option('--source <dir>', "folder of the source files (default: the configuration's own)")
    .addOption(new RequiredOption('--out <dir>', 'folder for the prepared data set'))
    .addOption(memoryOption())
    .addOption(seedOption('seed of the split, or of synthetic data'))
    .option('--rows <n>', 'rows of synthetic data (default: 100000; shop: 150000)', wholeNumber(100))
    .option('--set <path=value>', "change the configuration, or a recipe's option; may be repeated", collect)
    .option(
      '--vocabulary-from <dir>',
      'continue the vocabularies of a prepared data set: its ids stay, new ones follow',
    )
    .addOption(landedOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary prepare ml-1m --source ml-1m --out data/ml-1m',
      'tributary prepare synthetic --rows 1000000 --seed 7 --source world --out data/world',
      'tributary prepare shop.yaml --source exports/today --out data/today --vocabulary-from data/yesterday',
    ],
    ['data'],
  );
}

async function run(target: string, options: Options): Promise<void> {
  const { config, sourceFolder } = await readDataset(target, 'tributary prepare', options);
  const { out, memoryLimit, seed, vocabularyFrom, json = false } = options;
  const started = performance.now();
  const onEvent = (event: PrepareProgress): void =>
    json ? printJson(event) : print(`${event.number}/${event.of} ${event.step}`);
  const done = await prepareData({ config, sourceFolder, out, memoryLimit, seed, vocabularyFrom, onEvent });
  const seconds = (performance.now() - started) / 1000;
  if (json) printJson({ event: 'result', ...summary(done), seconds });
  else print(text(done, seconds));
}

const SPLITS: SplitName[] = ['train', 'validation', 'test'];

function summary({ folder, fresh, manifest, statistics }: Preparation): object {
  const { name, config, hash, tableRows, scenarios, tasks, splitBorders } = manifest;
  const { notes = [] } = config;
  return { folder, name, notes, hash, changed: fresh, tableRows, scenarios, tasks, splitBorders, ...statistics };
}

const REASONS: Record<string, string> = {
  join: 'without a match of an inner join',
  where: 'by "where"',
  scenario: 'without a scenario',
  time: 'without a time',
  duplicate: 'duplicates',
};

/** How many rows are in no part, and why. */
function leftOut({ leftOut, leftOutBecause }: Statistics): string {
  const reasons = Object.entries(leftOutBecause ?? {}).filter(([, rows]) => rows > 0);
  const because = reasons.map(([reason, rows]) => `${count(rows)} ${REASONS[reason]}`).join(', ');
  return `${count(leftOut)} left out${because === '' ? '' : ` (${because})`}`;
}

/** What a training would miss: parts of the split without rows. */
function emptyParts({ splits }: Manifest): string[] {
  const empty = SPLITS.filter((split) => splits[split].rows === 0);
  if (empty.length === 0) return [];
  return [
    `warning: the split leaves no rows for ${empty.join(' and ')}, and training needs all three parts: \`tributary validate\` says why`,
    '',
  ];
}

/** How the rows were split, and where a split by time has its borders. */
function describeSplit({ config: { split }, splitBorders }: Manifest): string {
  if (split.kind === 'random') return `random, seed ${split.seed}`;
  const { validation, test } = splitBorders ?? {};
  const borders = [
    ...(validation ? [`validation from ${validation}`] : []),
    ...(test ? [`test from ${test}`] : []),
  ].join(', ');
  return `by ${split.kind} ${split.column}${borders === '' ? '' : `: ${borders}`}`;
}

function text({ folder, fresh, manifest, statistics }: Preparation, seconds: number): string {
  const { name, config, fields, tableRows, splits } = manifest;
  const cells = statistics.cells.filter(({ split }) => split === 'train');
  const share = (positives: number, rows: number): string =>
    rows === 0 ? '-' : `${((100 * positives) / rows).toFixed(1)} %`;
  const table = tableOf(cells, [
    { title: 'scenario', text: ({ scenario }) => scenario },
    { title: 'task', text: ({ task }) => task },
    numeric('train rows', ({ rows }) => count(rows)),
    numeric('positive', ({ positives, rows, unlabelled }) => share(positives, rows - unlabelled)),
    numeric('unlabelled', ({ unlabelled }) => count(unlabelled)),
  ]);
  return [
    fresh ? `prepared ${oneLine(name)} in ${folder} (${duration(seconds)})` : `${folder} is up to date: nothing to do`,
    `  rows    ${SPLITS.map((split) => `${count(splits[split].rows)} ${split}`).join(', ')}; ${leftOut(statistics)}`,
    `  split   ${describeSplit(manifest)}`,
    `  fields  ${fields.length}, with ${count(tableRows)} rows of the embedding table`,
    '',
    ...(config.notes ?? []).flatMap((note) => [`note: ${oneLine(note)}`, '']),
    ...textTable(table),
    '',
    ...emptyParts(manifest),
    `next: tributary train --data ${folder}`,
  ].join('\n');
}
