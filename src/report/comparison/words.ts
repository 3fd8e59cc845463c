/** Statistics of a comparison in words and short texts. */
import type {
  CellTests,
  ComparisonResult,
  CorrectedTest,
  DatasetResult,
  MetricMeans,
} from '../../documents/comparison.ts';
import { minimumText } from '../../evaluate/index.ts';
import { metricText, percent } from '../numbers.ts';

type Mean = MetricMeans['auc'];

export const meanText = (mean: Mean | undefined): string => metricText(mean?.mean);

export const spread = (mean: Mean): string =>
  mean === null || mean.sd === null ? meanText(mean) : `${meanText(mean)} ± ${metricText(mean.sd)}`;

export const interval = (mean: Mean): string =>
  mean === null || mean.low === null || mean.high === null ? '-' : `${metricText(mean.low)}–${metricText(mean.high)}`;

export const correctedText = (test: CorrectedTest | null | undefined): string =>
  test === null || test === undefined ? '-' : pText(test.corrected);

const pText = (p: number): string => (p < 0.0001 ? '<.0001' : p.toFixed(4).replace(/^0/, ''));

/** Significant by DeLong's test, which assumes independent rows, and by the bootstrap, which does not. */
export const isSignificant = ({ delong, bootstrap }: CellTests, { confidence }: ComparisonResult): boolean =>
  [delong, bootstrap].every((test) => test !== null && test.corrected < 1 - confidence);

export const CORRECTION_NAMES = {
  holm: "Holm's correction",
  'benjamini-hochberg': "Benjamini and Hochberg's correction",
  none: 'no correction',
};

/** What `isSignificant` means. */
export const significance = ({ confidence, correction }: ComparisonResult, { of }: DatasetResult['groups']): string =>
  `significant at ${percent(1 - confidence)} by DeLong's test and by bootstrap of ${of}s, ${CORRECTION_NAMES[correction]} in each`;

export function cellsText({ scenarios, tasks, means }: DatasetResult): string {
  const cells = scenarios.length * tasks.length;
  return means === undefined || means.leftOut.length === 0
    ? `${cells} cells`
    : `${cells - means.leftOut.length} of ${cells} cells`;
}

/** Which cells do not count in means, and why. */
export function meansNotes(means: DatasetResult['means']): string[] {
  if (means === undefined) return [];
  if (means.fallback) return [`means are of all cells equally: no cell has ${minimumText(means)}`];
  const left = means.leftOut.map(({ scenario, task }) => `${scenario} ${task}`);
  return [
    ...(left.length === 0 ? [] : [`left out of means, with fewer than ${minimumText(means)}: ${left.join(', ')}`]),
    ...(means.weights === 'positives' ? ['in means cells weigh by their positives'] : []),
  ];
}
