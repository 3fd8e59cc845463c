/** The tables of a comparison, as texts in rows: a terminal and Markdown show the same ones. */
import { minimumText } from '../../evaluate/index.ts';
import type { Mean } from '../../evaluate/significance/index.ts';
import type { CellTests, ComparisonResult, CorrectedTest, DatasetResult, ModelResult, ModelTests } from './result.ts';
import type { Times } from './times.ts';

export interface Table {
  title: string;
  head: string[];
  /** The first column names the row, the others hold numbers. */
  rows: string[][];
  notes: string[];
}

export function tablesOf(result: ComparisonResult, times: Times): Table[] {
  return result.datasets.flatMap((dataset) => {
    const tables = [
      quality(result, dataset),
      ...cellTables(result, dataset),
      ...transferTables(result, dataset),
      cost(dataset, times),
      ...failures(dataset),
    ];
    const several = result.datasets.length > 1;
    return tables.map((table) => (several ? { ...table, title: `${dataset.data}: ${table.title}` } : table));
  });
}

const four = (value: number): string => value.toFixed(4);
const signed = (value: number): string => (value < 0 ? '' : '+') + four(value);
const meanText = (mean: Mean | null): string => (mean === null ? '-' : four(mean.mean));
const spread = (mean: Mean | null): string =>
  mean === null ? '-' : mean.sd === null ? four(mean.mean) : `${four(mean.mean)} ± ${four(mean.sd)}`;
const interval = (mean: Mean | null): string =>
  mean === null || mean.low === null || mean.high === null ? '-' : `${four(mean.low)}–${four(mean.high)}`;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US');
const percent = (share: number): string => `${Number((100 * share).toFixed(3))} %`;

function pText(p: number): string {
  return p < 0.0001 ? '<.0001' : p.toFixed(4).replace(/^0/, '');
}

const correctedText = (test: CorrectedTest | null): string => (test === null ? '-' : pText(test.corrected));

/** Significant by DeLong's test, which takes rows for independent, and by the bootstrap, which does not. */
const isSignificant = ({ delong, bootstrap }: CellTests, { confidence }: ComparisonResult): boolean =>
  [delong, bootstrap].every((test) => test !== null && test.corrected < 1 - confidence);

const CORRECTION_NAMES = {
  holm: "Holm's correction",
  'benjamini-hochberg': "Benjamini and Hochberg's correction",
  none: 'no correction',
};

const significance = ({ confidence, correction }: ComparisonResult, { of }: DatasetResult['groups']): string =>
  `significant at ${percent(1 - confidence)} by DeLong's test and by bootstrap of ${of}s, ${CORRECTION_NAMES[correction]} in each`;

function quality(result: ComparisonResult, dataset: DatasetResult): Table {
  const { models, tests, groups, scenarios, tasks, means } = dataset;
  const ranked = models.some(({ macro }) => macro.ndcg);
  const testOf = (model: ModelResult): ModelTests | undefined => tests.find((test) => test.model === model.model);
  const rows = models.map((model) => {
    const test = testOf(model);
    const { auc, groupedAuc, ndcg, map, logloss, calibrationError } = model.macro;
    return [
      model.model,
      spread(auc),
      interval(auc),
      meanText(groupedAuc),
      ...(ranked ? [meanText(ndcg ?? null), meanText(map ?? null)] : []),
      meanText(logloss),
      meanText(calibrationError),
      model.model === result.baseline
        ? 'baseline'
        : test?.macro.bootstrap
          ? signed(test.macro.bootstrap.difference)
          : '-',
      correctedText(test?.macro.bootstrap ?? null),
      correctedText(test?.macro.seeds ?? null),
    ];
  });
  const level = percent(result.confidence);
  return {
    title: `means over ${cellsText(scenarios.length * tasks.length, means)}, test rows`,
    head: [
      'model',
      'AUC',
      level,
      'grouped',
      ...(ranked ? [`NDCG@${result.k}`, `MAP@${result.k}`] : []),
      'log loss',
      'cal. err',
      'vs base',
      'p rows',
      'p seeds',
    ],
    rows,
    notes: [
      `AUC: mean ± sd over ${result.seeds.length} seeds and its ${level} interval (Student's t); the other columns are means over seeds`,
      `p rows: bootstrap of ${groups.count.toLocaleString('en-US')} ${groups.of}s; p seeds: paired t test over seeds; both with ${CORRECTION_NAMES[result.correction]}`,
      ...meansNotes(means),
    ],
  };
}

const cellsText = (cells: number, means: DatasetResult['means']): string =>
  means === undefined || means.leftOut.length === 0
    ? `${cells} cells`
    : `${cells - means.leftOut.length} of ${cells} cells`;

/** Which cells do not count in means, and why. */
function meansNotes(means: DatasetResult['means']): string[] {
  if (means === undefined) return [];
  if (means.fallback) return [`means are of all cells equally: no cell has ${minimumText(means)}`];
  const left = means.leftOut.map(({ scenario, task }) => `${scenario} ${task}`);
  return [
    ...(left.length === 0 ? [] : [`left out of means, with fewer than ${minimumText(means)}: ${left.join(', ')}`]),
    ...(means.weights === 'positives' ? ['in means cells weigh by their positives'] : []),
  ];
}

/** A table for each task: AUC per scenario. */
function cellTables(result: ComparisonResult, { models, tests, scenarios, tasks, groups }: DatasetResult): Table[] {
  return tasks.map((task, t) => ({
    title: `AUC of ${task}`,
    head: ['model', ...scenarios],
    rows: models.map((model) => [
      model.model,
      ...scenarios.map((_, s) => {
        const cell = s * tasks.length + t;
        const test = tests.find((of) => of.model === model.model)?.cells[cell];
        const significant = test !== undefined && isSignificant(test, result);
        const mark = !significant ? ' ' : (test.delong?.difference ?? 0) > 0 ? '+' : '-';
        return `${spread(model.cells[cell].auc)} ${mark}`;
      }),
    ]),
    notes: [`+ or -: better or worse than ${result.baseline} over all seeds, ${significance(result, groups)}`],
  }));
}

/** Difference of AUC to models of one task or one scenario alone. */
function transferTables(result: ComparisonResult, { transfer, scenarios, tasks, groups }: DatasetResult): Table[] {
  const references = [...new Set(transfer.map(({ against }) => against))];
  return references.map((reference) => ({
    title: `negative transfer: AUC minus that of ${reference}`,
    head: ['model', ...scenarios.flatMap((scenario) => tasks.map((task) => `${scenario}, ${task}`)), 'lost'],
    rows: transfer
      .filter(({ against }) => against === reference)
      .map(({ model, cells }) => {
        const lost = cells.filter(({ delong }) => delong !== null && delong.difference < 0);
        return [
          model,
          ...cells.map((cell) => {
            if (cell.delong === null) return '-';
            const { difference } = cell.delong;
            const mark = difference >= 0 ? ' ' : isSignificant(cell, result) ? '▼' : '▽';
            return `${signed(difference)} ${mark}`;
          }),
          `${lost.length} of ${cells.length}`,
        ];
      }),
    notes: [`▽: the joint model loses; ▼: ${significance(result, groups)}`],
  }));
}

function cost({ data, models }: DatasetResult, times: Times): Table {
  return {
    title: 'what models cost',
    head: [
      'model',
      'dense',
      'embedding',
      'mul-adds/row',
      'epochs',
      's to best',
      'CPU s to best',
      's in all',
      'peak MiB',
    ],
    rows: models.map((model) => {
      const own = times.models.find((of) => of.data === data && of.model === model.model);
      const epochs = model.epochs.map((phases) => Object.values(phases).reduce((sum, count) => sum + count, 0));
      const mean = epochs.reduce((sum, count) => sum + count, 0) / Math.max(1, model.seeds.length);
      return [
        model.model,
        ...(own === undefined
          ? new Array<string>(8).fill('-')
          : [
              whole(model.denseParameters),
              whole(model.embeddingParameters),
              whole(model.multiplyAddsPerRow),
              mean.toFixed(1),
              own.secondsToBest.toFixed(1),
              own.processorSecondsToBest.toFixed(1),
              own.seconds.toFixed(1),
              whole(own.peakBytes / (1 << 20)),
            ]),
      ];
    }),
    notes: [
      'parameters of references and their multiply-adds, epochs and times are sums over their parts; times are means over seeds',
    ],
  };
}

function failures({ models }: DatasetResult): Table[] {
  const failed = models.flatMap((model) => model.failed);
  if (failed.length === 0) return [];
  const rows = failed.map(({ cell, code }) => [cell, code]);
  const messages = [...new Set(failed.map(({ code, message }) => `${code}: ${message}`))];
  return [{ title: 'trainings that failed', head: ['training', 'error'], rows, notes: messages }];
}
