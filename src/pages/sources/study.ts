/** Pages of studies: a comparison and a search for options. */
import { existsSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { readDescription } from '../../base/files.ts';
import { parseJson } from '../../base/json.ts';
import { VERSION } from '../../base/version.ts';
import {
  type ComparisonResult,
  type DatasetResult,
  type ModelTests,
  type Times,
  timesSchema,
} from '../../documents/comparison.ts';
import { parseLines } from '../../documents/read.ts';
import type { TuningDocument } from '../../documents/tuning.ts';
import { comparisonFindings } from '../../report/comparison/comparison.ts';
import { count, duration, metricText } from '../../report/numbers.ts';
import { MONITOR_NAMES } from '../../report/tuning.ts';
import type { ComparisonPage, ShownDataset, ShownTests, TuningPage } from '../page.ts';

/** `path`: of the file that the document is in. */
export function comparisonPage(result: ComparisonResult, path: string): ComparisonPage {
  const { datasets, seeds, baseline } = result;
  const times = timesNextTo(path);
  return {
    kind: 'comparison',
    title: nameOf(path),
    facts: [
      ...datasets.map(({ data, testRows }) => `${data}, ${count(testRows)} test rows`),
      `${seeds.length} seeds`,
      `baseline: ${baseline}`,
    ],
    findings: comparisonFindings(result),
    sentences: Object.fromEntries(datasets.flatMap((dataset, d) => sentencesOf(dataset, d, result))),
    notes: [
      ...datasets.flatMap(({ models }) =>
        models.flatMap(({ failed }) => failed.map(({ cell, message }) => `${cell} failed: ${message}`)),
      ),
      ...(times === undefined ? ['Times: there is no times.json next to the result.'] : []),
    ],
    version: VERSION,
    result: { ...result, datasets: datasets.map(shownDataset) },
    ...(times && { times }),
    fronts: datasets.map(frontOf),
  };
}

/** What the sections of a data set found, by their ids. */
function sentencesOf(dataset: DatasetResult, d: number, { baseline }: ComparisonResult): [string, string][] {
  const { tests, transfer, models } = dataset;
  const counted = (differences: readonly ({ low: number; high: number } | null)[]): string => {
    const known = differences.filter((difference) => difference !== null);
    const better = known.filter(({ low }) => low > 0).length;
    const worse = known.filter(({ high }) => high < 0).length;
    return `${better} better, ${worse} worse, ${known.length - better - worse} not decided`;
  };
  const cells = tests.flatMap((test) => test.cells.map(({ delong }) => delong));
  const references = [...new Set(transfer.map(({ against }) => against))];
  return [
    [
      `tests-${d}`,
      `Models against ${baseline} by mean AUC: ${counted(tests.map(({ macro }) => macro.bootstrap))}, by their intervals.`,
    ],
    [`cells-${d}`, `Cells of all models against ${baseline}: ${counted(cells)}, by the interval of each cell alone.`],
    ...references.map((reference, r): [string, string] => {
      const own = transfer.filter(({ against }) => against === reference);
      const each = own.flatMap((test) => test.cells.map(({ delong }) => delong));
      return [`transfer-${d}-${r}`, `Cells of joint models against ${reference}: ${counted(each)}.`];
    }),
    [`cost-${d}`, `No other model is both better and cheaper than ${frontOf({ models }).join(', ')}.`],
  ];
}

function timesNextTo(path: string): Times | undefined {
  const file = join(dirname(path), 'times.json');
  if (!existsSync(file)) return undefined;
  return parseLines(file, [parseJson(readDescription(file, 'the times of a comparison'))], timesSchema)[0];
}

const shownDataset = ({
  data,
  testRows,
  groups,
  models,
  tests,
  transfer,
  yardsticks,
}: DatasetResult): ShownDataset => ({
  data,
  testRows,
  groups,
  models: models.map((model) => ({
    ...model,
    cells: model.cells.map(({ scenario, task, rows, positives, auc, logloss }) => ({
      scenario,
      task,
      rows,
      positives,
      auc: auc && { mean: auc.mean },
      logloss: logloss && { mean: logloss.mean },
    })),
  })),
  tests: tests.map(shownTests),
  transfer: transfer.map(shownTests),
  ...(yardsticks && { yardsticks: { tests: yardsticks.tests.map(shownTests) } }),
});

const shownTests = (tests: ModelTests): ShownTests => ({
  ...tests,
  cells: tests.cells.map(({ scenario, task, delong }) => ({
    scenario,
    task,
    delong: delong && { difference: delong.difference, low: delong.low, high: delong.high },
  })),
});

/** Models that no other one beats in both mean AUC and multiply-adds; references, which are many models, do not take part. */
function frontOf({ models }: Pick<DatasetResult, 'models'>): string[] {
  const joint = models.flatMap(({ model, by, macro, multiplyAddsPerRow: cost }) =>
    by === undefined && macro.auc !== null ? [{ model, auc: macro.auc.mean, cost }] : [],
  );
  return joint
    .filter((own) =>
      joint.every(
        (other) => !(other.auc >= own.auc && other.cost <= own.cost && (other.auc > own.auc || other.cost < own.cost)),
      ),
    )
    .map(({ model }) => model);
}

export function tuningPage(tuning: TuningDocument, path: string): TuningPage {
  const { best, monitor, over, trials } = tuning;
  const total = trials.reduce((sum, { seconds }) => sum + seconds, 0);
  return {
    kind: 'tuning',
    title: nameOf(path),
    facts: [`${count(trials.length)} trials`, `${duration(total)} of training`],
    findings: [
      `Trial ${best.trial} is the best: validation ${MONITOR_NAMES[monitor]} ${metricText(best.value)}, a mean over ${over}. No trial was measured on test rows.`,
    ],
    sentences: importanceOf(tuning),
    notes: [],
    version: VERSION,
    tuning,
    records: recordsOf(tuning),
  };
}

const importanceOf = ({ hints: [first] }: TuningDocument): Record<string, string> =>
  first === undefined
    ? {}
    : {
        importance: `The value goes most with ${first.path} (${first.strength.toFixed(2)} of 1, ${first.trials} trials).`,
      };

/** Indices of the trials that were the best so far, in the order of their numbers. */
function recordsOf({ trials, monitor }: TuningDocument): number[] {
  const inOrder = trials.map(({ trial, value }, i) => ({ trial, value, i })).sort((a, b) => a.trial - b.trial);
  const sign = monitor === 'logloss' ? -1 : 1;
  let best = Number.NEGATIVE_INFINITY;
  return inOrder.flatMap(({ value, i }) => {
    if (value === null || sign * value <= best) return [];
    best = sign * value;
    return [i];
  });
}

/** Of the folder that a result is in, or of the file. */
const nameOf = (path: string): string =>
  basename(path) === 'result.json' ? basename(dirname(path)) : basename(path).replace(/\.jsonl?$/, '');
