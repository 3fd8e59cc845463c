/** What the size of data means: what can be learned from so many rows, and what can be told apart by so many. */
import { RESERVED_IDS } from '../encode/ids.ts';
import type { Statistics } from '../prepare/statistics.ts';
import type { Manifest } from '../prepared/prepared.ts';
import { number } from './finding.ts';

/** Rows of a cell by their label. */
export interface CellSize {
  scenario: string;
  task: string;
  positives: number;
  negatives: number;
}

/** With fewer positives (or negatives) a cell teaches next to nothing by itself. */
const FEW = 30;
/** A cell with fewer of both does not count in means, by default (`evaluate.minPositives`). */
const COUNTED = 10;
/** What two models should differ by to be told apart, and the AUC that standard errors are computed at. */
const APART = 0.01;
const ASSUMED_AUC = 0.75;
/** Values of a field from which on it is looked at, and how often one should come on average. */
export const MANY_VALUES = 1000;
export const OFTEN = 5;

/** Standard error of an AUC over given numbers of positives and negatives (Hanley and McNeil 1982). */
export function aucError(positives: number, negatives: number, auc = ASSUMED_AUC): number {
  const [p, n] = [Math.max(positives, 1), Math.max(negatives, 1)];
  const twoPositives = auc / (2 - auc);
  const twoNegatives = (2 * auc * auc) / (1 + auc);
  const variance = auc * (1 - auc) + (p - 1) * (twoPositives - auc * auc) + (n - 1) * (twoNegatives - auc * auc);
  return Math.sqrt(variance / (p * n));
}

/** Names the training cells with few positives or negatives; undefined where all that have labels have enough. */
export function fewText(cells: readonly CellSize[]): string | undefined {
  const labelled = cells.filter(({ positives, negatives }) => positives + negatives > 0);
  const rarer = ({ positives, negatives }: CellSize): number => Math.min(positives, negatives);
  const few = labelled.filter((cell) => rarer(cell) < FEW).sort((a, b) => rarer(a) - rarer(b));
  if (few.length === 0) return undefined;
  const named = few.slice(0, 3).map((cell) => {
    const what = cell.positives <= cell.negatives ? 'positives' : 'negatives';
    return `${cell.scenario}, ${cell.task}: ${number(Math.round(rarer(cell)))} ${what}`;
  });
  const more = few.length > named.length ? `; and ${few.length - named.length} more` : '';
  return `${few.length} of ${labelled.length} cells have fewer than ${FEW} positives or negatives to train on (${named.join('; ')}${more}): a cell learns next to nothing from them by itself. Merge scenarios, or collect more rows`;
}

/** Standard error of the mean AUC over the cells that count; undefined where none does. */
export function meanAucError(cells: readonly CellSize[]): number | undefined {
  const counted = cells.filter(({ positives, negatives }) => Math.min(positives, negatives) >= COUNTED);
  if (counted.length === 0) return undefined;
  const variance = counted.reduce((sum, { positives, negatives }) => sum + aucError(positives, negatives) ** 2, 0);
  return Math.sqrt(variance) / counted.length;
}

/** Says how well validation rows tell models apart; undefined where they tell 0.01 AUC. */
export function apartText(rows: number, cells: readonly CellSize[]): string | undefined {
  const error = meanAucError(cells);
  if (error === undefined)
    return `no cell of the ${number(rows)} validation rows has ${COUNTED} positives and ${COUNTED} negatives: they can hardly tell a good model from a bad one. Give validation more rows`;
  const largest = APART / 1.96;
  if (error <= largest) return undefined;
  const needed = Math.ceil((rows * (error / largest) ** 2) / 1000) * 1000;
  return `${number(rows)} validation rows tell the mean AUC to ±${error.toFixed(4)} (one standard error, at AUC ${ASSUMED_AUC}): ${APART} between two models may be chance. Compare by paired intervals over several seeds (tributary compare), or validate on about ${number(needed)} rows`;
}

export const rareText = (field: string, values: number, rows: number): string =>
  `field "${field}" has ${number(values)} values, each in ${(rows / values).toFixed(1)} rows on average: what is learned of one is mostly noise. Raise its "minCount", or add fields that its values share`;

export interface SizeRemark {
  /** `network`: more parameters than rows; `ids`: rare ones; `cells`: few positives; `validation`: few rows. */
  about: 'network' | 'ids' | 'cells' | 'validation';
  message: string;
}

/** What a model learns: all scenarios and tasks unless named. */
interface Learned {
  /** Of the network, without embeddings. */
  denseParameters: number;
  scenarios?: readonly string[];
  tasks?: readonly string[];
}

/** Remarks on a prepared data set, and on a network that learns from it. */
export function sizeRemarks(
  { fields, splits, config }: Pick<Manifest, 'fields' | 'splits' | 'config'>,
  statistics: Statistics,
  { denseParameters, scenarios, tasks }: Learned,
): SizeRemark[] {
  const cellsOf = (split: string): CellSize[] =>
    statistics.cells
      .filter((cell) => cell.split === split)
      .filter(({ scenario, task }) => (scenarios?.includes(scenario) ?? true) && (tasks?.includes(task) ?? true))
      .map(({ scenario, task, rows, positives, unlabelled }) => ({
        scenario,
        task,
        positives,
        negatives: rows - unlabelled - positives,
      }));
  const rows = splits.train.rows;
  const network =
    denseParameters > rows
      ? `the network has ${number(denseParameters)} parameters without embeddings, more than the ${number(rows)} training rows: it can learn rows by heart. Watch whether it beats the yardsticks; try narrower layers, fewer fields or more rows`
      : undefined;
  const rare = fields.flatMap(({ name, kind, size }, i) => {
    const isHashed = 'hash' in (config.fields[i] ?? {});
    const values = size - RESERVED_IDS;
    const { train } = statistics.fields[i]?.perSplit ?? {};
    if (kind !== 'categorical' || isHashed || values < MANY_VALUES || train === undefined) return [];
    const seen = train.values - train.outOfVocabulary;
    return seen < OFTEN * values ? [rareText(name, values, seen)] : [];
  });
  const found: [SizeRemark['about'], string | undefined][] = [
    ['network', network],
    ...rare.map((text): [SizeRemark['about'], string] => ['ids', text]),
    ['cells', fewText(cellsOf('train'))],
    ['validation', apartText(splits.validation.rows, cellsOf('validation'))],
  ];
  return found.flatMap(([about, message]) => (message === undefined ? [] : [{ about, message }]));
}
