import { type Command, Option } from 'commander';
import { oneLine } from '../../../base/one-line.ts';
import type { SplitName } from '../../../config/dataset.ts';
import { type FlowReport, measureFlows } from '../../../export/select/flows.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { checkpointNote } from '../../checkpoint.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, checkpointOption, dataOption, jsonOption, seedOption, wholeNumber } from '../../options.ts';
import { columns, count, print, printJson } from '../../output.ts';
import { testFlows } from '../../print/flow-test.ts';

interface Options {
  split: SplitName;
  data?: string;
  checkpoint?: string;
  backend?: SessionOptions['backend'];
  json?: boolean;
  test?: boolean;
  pairs?: boolean;
  rows: number;
  seed: number;
}

export function flows(program: Command): void {
  const verb = program
    .command('flows')
    .summary('show which flows reach which tasks, and which experts rows use')
    .description(
      'Prints, per scenario and task, for which share of the rows each information flow is kept; for models that choose ' +
        'experts, how often each is chosen. What is always or never so can be left out: see `select`. With --test, says instead ' +
        'which flows the labels hold in each cell: useful, useless or undecided, with what it costs on validation rows to ' +
        'leave a flow out.',
    )
    .argument('<folder>', 'the run folder; with --test a prepared data set, too')
    .option('--test', 'test which flows the labels of a prepared data set hold, or which a model uses')
    .option('--pairs', 'with --test: add products of two fields')
    .option('--rows <n>', 'with --test: rows to draw', wholeNumber(1000), 50_000)
    .addOption(seedOption('with --test: of the draw').default(1))
    .addOption(
      new Option('--split <name>', 'rows to measure on').choices(['train', 'validation', 'test']).default('validation'),
    )
    .addOption(dataOption())
    .addOption(checkpointOption())
    .addOption(backendOption())
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary flows --test data/shop',
      'tributary flows --test runs/autoifs-ml-1m-1',
      'tributary flows runs/autoifs-ml-1m-1 --split train --json',
    ],
    ['data', 'artifact'],
  );
}

async function run(folder: string, options: Options): Promise<void> {
  if (options.test) return testFlows(folder, options);
  const { split, json, data, checkpoint, backend } = options;
  const where = { data, checkpoint, backend, onCheckpoint: checkpointNote(folder, json) };
  const report = await measureFlows(folder, split, where);
  if (json) printFlowLines(folder, report);
  else print([heading(report), ...flowTable(report), ...choiceTables(report)].join('\n'));
}

const heading = ({ data, split, rows }: FlowReport): string =>
  `${count(rows.reduce((sum, n) => sum + n, 0))} ${split} rows of ${oneLine(data)}`;

/** A share that is exact where it is 0 or 1: 0.9999 of many rows is not all of them. */
function share(part: number, rows: number): string {
  if (rows === 0) return '-';
  if (part === 0 || part === rows) return String(part / rows);
  const text = (part / rows).toFixed(4);
  return text === '1.0000' ? '<1' : text === '0.0000' ? '>0' : text;
}

function flowTable({ scenarios, tasks, flows, rows, kept }: FlowReport): string[] {
  if (flows.length === 0) return [];
  const lines = scenarios.flatMap((scenario, s) =>
    tasks.map((task, t) => [scenario, task, ...kept[s][t].map((part) => share(part, rows[s])), count(rows[s])]),
  );
  const head = ['scenario', 'task', ...flows, 'rows'];
  const right = head.map((_, i) => i).slice(2);
  return [
    '',
    'Share of the rows for which a flow is kept (scenario side -> task side):',
    ...columns([head, ...lines], right),
  ];
}

function choiceTables({ scenarios, rows, chosen }: FlowReport): string[] {
  return Object.entries(chosen).flatMap(([name, counts]) => {
    const lines = scenarios.map((scenario, s) => [
      scenario,
      ...counts[s].map((part) => share(part, rows[s])),
      count(rows[s]),
    ]);
    const head = ['scenario', ...counts[0].map((_, part) => String(part)), 'rows'];
    return [
      '',
      `Share of the rows that use an expert of ${name}:`,
      ...columns([head, ...lines], head.map((_, i) => i).slice(1)),
    ];
  });
}

function printFlowLines(run: string, { data, split, scenarios, tasks, flows, rows, kept, chosen }: FlowReport): void {
  const rate = (part: number, s: number): number | null => (rows[s] === 0 ? null : part / rows[s]);
  const flowLines = scenarios.flatMap((scenario, s) =>
    tasks.flatMap((task, t) =>
      flows.map((flow, k) => ({
        scenario,
        task,
        flow,
        kept: kept[s][t][k],
        rows: rows[s],
        rate: rate(kept[s][t][k], s),
      })),
    ),
  );
  const choiceLines = Object.entries(chosen).flatMap(([choice, counts]) =>
    scenarios.flatMap((scenario, s) =>
      counts[s].map((part, expert) => ({ scenario, choice, expert, chosen: part, rows: rows[s], rate: rate(part, s) })),
    ),
  );
  for (const line of flowLines) printJson({ event: 'flow', ...line });
  for (const line of choiceLines) printJson({ event: 'choice', ...line });
  const measured = rows.reduce((sum, n) => sum + n, 0);
  printJson({ event: 'result', run, data, split, rows: measured, flows: flowLines, choices: choiceLines });
}
