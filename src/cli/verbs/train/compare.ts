import { basename, extname, join } from 'node:path';
import type { Command } from 'commander';
import { EXIT } from '../../../base/errors/entry.ts';
import { loadComparisonConfig } from '../../../config/load-compare.ts';
import { models } from '../../../model/registry.ts';
import { comparisonText } from '../../../report/comparison/comparison.ts';
import { defaultsOfData } from '../../../study/compare/defaults.ts';
import type { ComparisonEvent } from '../../../study/compare/events.ts';
import { comparisonPaths, startComparison } from '../../../study/compare/run.ts';
import { helpEnd } from '../../help.ts';
import { jsonOption, wholeNumber } from '../../options.ts';
import { print, printJson } from '../../output.ts';
import { type ComparisonDisplay, comparisonDisplay } from '../../print/comparison.ts';
import { overRanks } from '../../process/ranks.ts';
import { onStopSignal } from '../../process/stop.ts';

interface Options {
  out?: string;
  workers?: number;
  json?: boolean;
}

export function compare(program: Command): void {
  const verb = program
    .command('compare')
    .summary('train several models with several seeds and test what differs')
    .description(
      'Trains every model of a comparison with every seed, each in a process of its own, and compares them on the test rows: ' +
        'means and intervals over seeds, tests against a baseline, negative transfer, cost. Finished trainings are not ' +
        'run again, interrupted ones resume. Over ranks, a rank that is free takes the next training.',
    )
    .argument('<config>', 'the comparison (YAML, JSON, TypeScript)')
    .option('--out <dir>', 'where trainings and results are kept (default: comparisons/NAME-OF-CONFIG)')
    .option('--workers <n>', 'trainings in parallel (default: as many as cores and memory allow)', wholeNumber(1))
    .addOption(jsonOption())
    .action(run);
  helpEnd(
    verb,
    [
      'tributary compare zoo.yaml',
      'tributary compare zoo.yaml --out results/zoo --workers 4 --json',
      'mpirun -np 4 --hostfile hosts tributary compare zoo.yaml --out /shared/zoo',
    ],
    ['data', 'artifact', 'training', 'interrupted'],
  );
}

async function run(config: string, { out, workers, json = false }: Options): Promise<void> {
  const comparison = await loadComparisonConfig(config, models, defaultsOfData);
  const folder = out ?? join('comparisons', basename(config, extname(config)));
  const end = await overRanks(async (ranks) => {
    const display = ranks.rank === 0 ? comparisonDisplay(json) : NO_DISPLAY;
    const onEvent = (event: ComparisonEvent): void => display.event(event);
    const handle = startComparison({ comparison, out: folder, workers, ranks, onEvent });
    const forget = onStopSignal(() => {
      handle.stop();
      display.note('Stopping all trainings, with checkpoints. Press Ctrl-C again to quit immediately, without them.');
    });
    const end = await handle.finished.finally(() => {
      forget();
      display.close();
    });
    if (end.event === 'interrupted')
      display.note(`Stopped. The same command resumes it: tributary compare ${config} --out ${folder}`);
    return end;
  });
  if (end.event === 'interrupted') {
    process.exitCode = EXIT.interrupted;
    if (json) printJson(end);
  }
  if (end.event !== 'result') return;
  const { result, times, failed } = end;
  if (failed > 0) process.exitCode = EXIT.training;
  if (!json) {
    const { report, result: file } = comparisonPaths(folder);
    return print(`${comparisonText(result, times)}\n\n${report}, ${file}`);
  }
  const { datasets, ...rest } = result;
  const flat = datasets.flatMap((dataset) =>
    dataset.models.map((model) => {
      const own = times.models.find((of) => of.data === dataset.data && of.model === model.model);
      return { ...model, ...own };
    }),
  );
  const tests = datasets.map(({ models: _, ...dataset }) => dataset);
  printJson({ event: 'result', folder, ...rest, models: flat, datasets: tests, failed });
}

/** Of ranks other than 0. */
const NO_DISPLAY: ComparisonDisplay = { event() {}, note() {}, close() {} };
