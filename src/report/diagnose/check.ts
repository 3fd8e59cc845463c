/** A run held against a baseline. */
import { oneLine } from '../../base/one-line.ts';
import type { CheckDocument, ComparedMetric } from '../../documents/diagnose/check.ts';
import { markdownText } from '../markdown.ts';
import { count, metricText, signed } from '../numbers.ts';
import { markdownTable, numeric, type Table, tableOf, textTable } from '../table.ts';

export const checkText = (document: CheckDocument): string =>
  [...verdict(document), '', ...textTable(cellTable(document)), ...lines(document)].join('\n');

export const checkMarkdown = (document: CheckDocument): string =>
  [
    `# Check of ${markdownText(document.run)}`,
    '',
    ...verdict(document).map((line) => `- ${markdownText(line)}`),
    '',
    ...markdownTable(cellTable(document)),
    '',
    ...lines(document).map((line) => `${markdownText(line)}\n`),
  ].join('\n');

type Metric = CheckDocument['metric'];

const TITLES: Record<Metric, string> = {
  auc: 'AUC',
  groupedAuc: 'grouped AUC',
  ndcg: 'NDCG',
  map: 'MAP',
  logloss: 'log loss',
};

function verdict({ passed, run, against, metric, mean, cells }: CheckDocument): string[] {
  const fallen = [
    ...(mean.fell ? [`mean ${TITLES[metric]} ${fall(mean)}`] : []),
    ...cells.filter(({ fell }) => fell).map((cell) => `${cellName(cell)}: ${TITLES[metric]} ${fall(cell)}`),
  ];
  const sides = `${oneLine(run)} against ${oneLine(against)}`;
  if (passed) return [`passed: ${sides}: no cell and no mean is worse by more than its margin`];
  return [
    `failed: ${sides}: ${fallen.length} ${fallen.length === 1 ? 'value is' : 'values are'} worse by more than the margin`,
    ...fallen,
  ];
}

const fall = ({ before, after, change, interval, margin }: ComparedMetric): string =>
  change === null
    ? `was ${metricText(before)} and is undefined`
    : `${metricText(before)} -> ${metricText(after)}, ${withInterval(change, interval)}, margin ${margin}`;

const withInterval = (change: number, interval: ComparedMetric['interval']): string =>
  interval === null ? signed(change) : `${signed(change)} [${signed(interval.low)}, ${signed(interval.high)}]`;

const cellName = ({ scenario, task }: { scenario: string; task: string }): string => `${oneLine(scenario)}/${task}`;

const cellTable = ({ cells, metric }: CheckDocument): Table =>
  tableOf(cells, [
    { title: 'cell', text: cellName },
    numeric(`${TITLES[metric]} before`, ({ before }) => metricText(before)),
    numeric('now', ({ after }) => metricText(after)),
    numeric('change', ({ change, interval }) => (change === null ? '-' : withInterval(change, interval))),
    numeric('margin', ({ margin }) => String(margin)),
    numeric('positives', ({ positives }) => count(positives)),
    numeric('rows', ({ rows }) => count(rows)),
    { title: '', text: ({ fell }) => (fell ? 'FELL' : '') },
  ]);

const lines = ({ mean, metric, notes, cells }: CheckDocument): string[] => [
  `mean ${TITLES[metric]} of ${mean.cells} of ${cells.length} cells: ` +
    (mean.change === null
      ? 'undefined'
      : `${metricText(mean.before)} -> ${metricText(mean.after)}, ${withInterval(mean.change, mean.interval)}, margin ${mean.margin}`),
  ...(cells.some(({ interval }) => interval !== null)
    ? ["95 % intervals of the change on the same test rows (DeLong's placements or row losses, summed by group)"]
    : []),
  ...notes,
];
