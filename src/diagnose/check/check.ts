/** A regression gate: does a run fall behind a baseline by more than a margin, in a cell or in the mean? */
import { error } from '../../base/errors/index.ts';
import type { CheckDocument, CheckedMetric, ComparedMetric } from '../../documents/diagnose/check.ts';
import type { GridJson } from '../../documents/grid.ts';
import { type ClusteredMean, effectOf, meanOverCells } from '../../evaluate/clustered.ts';
import { weightedMean } from '../../evaluate/index.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import { readBaseline, recordedResult } from './baseline.ts';
import { type Paired, pairedRuns } from './paired.ts';

export interface CheckOptions extends Pick<SessionOptions, 'backend'> {
  /** A run folder, or the file of a document. */
  against: string;
  /** Default auc. */
  metric?: CheckedMetric;
  /** How much the mean may fall. */
  margin: number;
  /** How much a cell may fall, and cells with margins of their own by `scenario/task`. */
  cellMargin: number;
  cellMargins?: Readonly<Record<string, number>>;
  /** The data set of both runs, if it was moved. */
  data?: string;
  /** Score the test rows with both runs, where the baseline is a run folder? Default true. */
  intervals?: boolean;
}

type Cell = GridJson['cells'][number];

/**
 * Compares the test metrics that a finished run recorded with those of a baseline.
 *
 * @throws CHECK_CELLS where one has a cell that the other lacks, or a margin names no cell; errors of recordedResult and readBaseline
 */
export async function checkRun(run: string, options: CheckOptions): Promise<CheckDocument> {
  const { against, metric = 'auc', margin, cellMargin, cellMargins = {}, intervals = true } = options;
  const own = recordedResult(run);
  const baseline = readBaseline(against);
  const [before, after] = [cellsByName(baseline.grid), cellsByName(own.grid)];
  checkCells({ run, against, before, after, margins: Object.keys(cellMargins) });

  const isPaired = intervals && baseline.run !== undefined && (metric === 'auc' || metric === 'logloss');
  const paired = isPaired ? await pairedRuns([run, baseline.run as string], options) : undefined;
  const differences = paired && differencesByName(paired, metric as 'auc' | 'logloss');
  const names = [...after.keys()];
  const cells = names.map((name) => {
    const [old, now] = [before.get(name) as Cell, after.get(name) as Cell];
    const { scenario, task, rows, positives } = now;
    const found = compare(metric, old[metric], now[metric], cellMargins[name] ?? cellMargin, differences?.get(name));
    return { scenario, task, rows, positives, ...found };
  });
  const mean = compareMeans({ metric, margin, before, after, differences, rule: baseline.grid.means });
  return {
    schema: 'check/1',
    run,
    against,
    metric,
    passed: !mean.fell && !cells.some(({ fell }) => fell),
    mean,
    cells,
    notes: notesOf({ baseline, own, paired, metric, cells }),
  };
}

const nameOf = ({ scenario, task }: { scenario: string; task: string }): string => `${scenario}/${task}`;

const cellsByName = ({ cells }: GridJson): Map<string, Cell> => new Map(cells.map((cell) => [nameOf(cell), cell]));

interface Sides {
  run: string;
  against: string;
  before: ReadonlyMap<string, Cell>;
  after: ReadonlyMap<string, Cell>;
  margins: readonly string[];
}

function checkCells({ run, against, before, after, margins }: Sides): void {
  const lacking = (names: Iterable<string>, side: ReadonlyMap<string, Cell>): string[] =>
    [...names].filter((name) => !side.has(name));
  const problems = [
    ...lacking(before.keys(), after).map((name) => `${run} has no cell ${name}, which ${against} has`),
    ...lacking(after.keys(), before).map((name) => `${against} has no cell ${name}, which ${run} has`),
    ...lacking(margins, after).map((name) => `there is no cell ${name} to set a margin for`),
  ];
  if (problems.length > 0) throw error('CHECK_CELLS', { problems });
}

function compare(
  metric: CheckedMetric,
  before: number | null,
  after: number | null,
  margin: number,
  difference?: ClusteredMean,
): ComparedMetric {
  const change = before === null || after === null ? null : after - before;
  const worse = metric === 'logloss' ? 1 : -1;
  const { low, high } = difference === undefined ? { low: 0, high: 0 } : effectOf(difference);
  return {
    before,
    after,
    change,
    interval: difference === undefined ? null : { low, high },
    margin,
    // A metric that the baseline has and the run lacks is worse than any number; the other way round there is nothing to fall from.
    fell: before !== null && (change === null || worse * change > margin),
  };
}

interface Means extends Pick<Sides, 'before' | 'after'> {
  metric: CheckedMetric;
  margin: number;
  differences: ReadonlyMap<string, ClusteredMean> | undefined;
  rule: GridJson['means'];
}

/** The mean over the cells that count for both, weighted by the rule of the baseline. */
function compareMeans({ metric, margin, before, after, differences, rule }: Means): CheckDocument['mean'] {
  const names = [...after.keys()].filter((name) => {
    const sides = [before.get(name) as Cell, after.get(name) as Cell];
    return sides.every((cell) => cell.leftOut === undefined && cell[metric] !== null);
  });
  const weights = names.map((name) =>
    rule.weights === 'positives' && !rule.fallback ? (before.get(name) as Cell).positives : 1,
  );
  const meanOf = (side: ReadonlyMap<string, Cell>): number | null =>
    weightedMean(
      names.map((name) => (side.get(name) as Cell)[metric]),
      weights,
    );
  const found = names.flatMap((name) => differences?.get(name) ?? []);
  const difference = found.length === names.length && names.length > 0 ? meanOverCells(found, weights) : undefined;
  return { cells: names.length, ...compare(metric, meanOf(before), meanOf(after), margin, difference) };
}

function differencesByName(paired: Paired, metric: 'auc' | 'logloss'): Map<string, ClusteredMean> {
  if ('missing' in paired) return new Map();
  return new Map(
    paired.cells.flatMap((cell, c) => (cell === undefined ? [] : [[nameOf(paired.names[c]), cell[metric]] as const])),
  );
}

interface Compared {
  baseline: ReturnType<typeof readBaseline>;
  own: ReturnType<typeof recordedResult>;
  paired: Paired | undefined;
  metric: CheckedMetric;
  cells: CheckDocument['cells'];
}

function notesOf({ baseline, own, paired, metric, cells }: Compared): string[] {
  const { dataHash } = baseline;
  const appeared = cells.filter(({ before, after }) => before === null && after !== null).map(nameOf);
  return [
    ...(dataHash === undefined || dataHash === own.data.hash
      ? []
      : ['The baseline was measured on another data set: changes are of the data as well as of the model.']),
    ...(dataHash === undefined
      ? ['The baseline does not say which data it was measured on: changes may be of the data as well as of the model.']
      : []),
    ...(baseline.run === undefined
      ? ['No intervals: the baseline is a document. Name a run folder to score the same rows with both.']
      : []),
    ...(baseline.run !== undefined && paired === undefined
      ? [`No intervals were asked for, or there are none of ${metric}.`]
      : []),
    ...(paired !== undefined && 'missing' in paired ? [`No intervals: ${paired.missing}.`] : []),
    ...(appeared.length === 0
      ? []
      : [`The baseline has no ${metric} in ${appeared.join(', ')}: nothing to fall from.`]),
  ];
}
