import { type Command, Option } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import { error } from '../../../base/errors/index.ts';
import { recordedResult, writeBaseline } from '../../../diagnose/check/baseline.ts';
import { checkRun } from '../../../diagnose/check/check.ts';
import { CHECKED_METRICS, type CheckedMetric } from '../../../documents/diagnose/check.ts';
import { checkMarkdown, checkText } from '../../../report/diagnose/check.ts';
import type { SessionOptions } from '../../../runtime/contract.ts';
import { helpEnd } from '../../help.ts';
import { backendOption, collect, dataOption, jsonOption, number } from '../../options.ts';
import { print, printJson } from '../../output.ts';

interface Options {
  against?: string;
  write?: string;
  metric: CheckedMetric;
  margin: number;
  cellMargin?: string[];
  intervals: boolean;
  data?: string;
  backend?: SessionOptions['backend'];
  markdown?: boolean;
  json?: boolean;
}

const CELL_MARGIN = 0.01;

export function check(program: Command): void {
  const verb = program
    .command('check')
    .summary('fail if a run falls behind a baseline')
    .description(
      'For continuous integration: compares what a finished run measured on its test rows with a baseline, and exits with ' +
        `${EXIT.regressed} if a cell or the mean is worse by more than its margin. Where the baseline is a run folder of the same data, ` +
        'both score the test rows, and changes have intervals.',
    )
    .argument('<run>', 'the run folder')
    .option('--against <baseline>', 'a run folder, a file of --write, or what train --json or evaluate --json printed')
    .option('--write <file>', 'write the result of the run as a baseline; after a check only where it passed')
    .addOption(new Option('--metric <name>', 'what may not get worse').choices([...CHECKED_METRICS]).default('auc'))
    .addOption(new Option('--margin <x>', 'how much worse the mean may be').argParser(number(0)).default(0.005))
    .addOption(
      new Option(
        '--cell-margin <x>',
        `how much worse a cell may be (default: ${CELL_MARGIN}); repeat it as search/click=0.02 for single cells`,
      ).argParser(collect),
    )
    .option('--no-intervals', 'do not score the test rows where the baseline is a run folder')
    .addOption(dataOption())
    .addOption(backendOption())
    .option('--markdown', 'write a page of Markdown')
    .addOption(jsonOption())
    .action((run: string, options: Options) => {
      if (options.against === undefined && options.write === undefined)
        verb.error('name a baseline with --against, or a file for one with --write');
      return execute(run, options);
    });
  helpEnd(
    verb,
    [
      'tributary check runs/auto-shop-1 --write baseline.json',
      'tributary check runs/auto-shop-2 --against baseline.json --margin 0.002 --cell-margin 0.01 --cell-margin search/click=0.03',
      'tributary check runs/auto-shop-2 --against runs/auto-shop-1',
    ],
    ['artifact', 'regressed'],
  );
}

async function execute(
  run: string,
  { against, write, cellMargin = [], markdown, json, ...options }: Options,
): Promise<void> {
  const passed = against === undefined || (await compare(run, { against, cellMargin, markdown, json, ...options }));
  if (!passed) {
    process.exitCode = EXIT.regressed;
    return;
  }
  if (write === undefined) return;
  const baseline = recordedResult(run);
  writeBaseline(write, baseline);
  if (json) printJson({ event: 'baseline', path: write, ...baseline });
  else print(`wrote ${write}: ${baseline.grid.cells.length} cells of ${run}`);
}

async function compare(
  run: string,
  {
    markdown,
    json,
    cellMargin,
    ...options
  }: Omit<Options, 'cellMargin' | 'write'> & { against: string; cellMargin: string[] },
): Promise<boolean> {
  const document = await checkRun(run, { ...options, ...marginsOf(cellMargin) });
  if (json) printJson({ event: 'result', ...document });
  else print(markdown ? checkMarkdown(document) : checkText(document));
  return document.passed;
}

/** `0.01` is of all cells, `search/click=0.02` of one. */
function marginsOf(texts: readonly string[]): { cellMargin: number; cellMargins: Record<string, number> } {
  const found = { cellMargin: CELL_MARGIN, cellMargins: {} as Record<string, number> };
  for (const text of texts) {
    const [, cell, value = ''] = /^(?:(.+)=)?([\d.]+(?:e-?\d+)?)$/.exec(text) ?? [];
    if (value === '' || !Number.isFinite(Number(value))) {
      const problem = `--cell-margin ${text}: expected a number of at least 0, or a cell and a number as search/click=0.02`;
      throw error('USAGE', { problem, command: 'tributary check' });
    }
    if (cell === undefined) found.cellMargin = Number(value);
    else found.cellMargins[cell] = Number(value);
  }
  return found;
}
