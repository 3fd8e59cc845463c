/** What simple predictors reach next to a model, and in words whether the model is worth having. */
import type { GridJson } from '../documents/grid.ts';
import type { YardsticksDocument } from '../documents/yardsticks.ts';
import { metricText, signed } from './numbers.ts';
import { markdownTable, numeric, type Table, tableOf, textTable } from './table.ts';

type Key = YardsticksDocument['measured'][number]['key'];

export const YARDSTICK_NAMES: Record<string, string> & Record<Key, string> = {
  priors: 'the rates of the cells',
  logistic: 'logistic regression',
  trees: 'boosted trees',
};

type Margin = Pick<NonNullable<YardsticksDocument['margin']>, 'difference' | 'low' | 'high'>;

/** Whether the model beats the best yardstick, by the interval of the difference. */
const beatsText = (model: string, against: Key, { difference, low, high }: Margin): string => {
  const name = YARDSTICK_NAMES[against];
  const figures = `mean AUC ${signed(difference)}, 95 % interval ${signed(low)} to ${signed(high)}`;
  if (low > 0) return `${model} beats the best yardstick, ${name} (${figures}).`;
  if (high < 0) return `${model} does not beat the best yardstick: it is worse than ${name} (${figures}).`;
  return `${model} does not beat the best yardstick: ${name} may be as good (${figures}).`;
};

export const verdict = ({ margin }: YardsticksDocument): string =>
  margin === null
    ? 'The model cannot be held against yardsticks: no cell has both labels.'
    : beatsText('The model', margin.against, margin);

/** In how many cells the model beats the same yardstick, in a sentence; undefined where that was not measured. */
export function cellsVerdict({ margin }: YardsticksDocument): string | undefined {
  const known = margin?.cells?.filter((cell) => cell !== null) ?? [];
  if (margin === null || known.length === 0) return undefined;
  const better = known.filter(({ difference }) => difference.low > 0).length;
  const worse = known.filter(({ difference }) => difference.high < 0).length;
  const name = YARDSTICK_NAMES[margin.against];
  return `Of ${known.length} cells that can be judged, the model is better than ${name} in ${better} and worse in ${worse}, each by its 95 % interval.`;
}

/** Mean metrics, and AUC in each cell. */
function yardstickTable(model: GridJson, { measured }: YardsticksDocument): Table {
  const rows = [
    { name: 'this model', grid: model },
    ...measured.map(({ key, grid }) => ({ name: YARDSTICK_NAMES[key], grid })),
  ];
  const cells = model.cells.flatMap((cell, i) => (cell.rows > 0 ? [{ cell, i }] : []));
  type Row = (typeof rows)[number];
  return tableOf(rows, [
    { title: 'predictor', text: ({ name }) => name },
    numeric<Row>('mean AUC', ({ grid }) => metricText(grid.macro.auc)),
    numeric<Row>('log loss', ({ grid }) => metricText(grid.macro.logloss)),
    numeric<Row>('cal. err', ({ grid }) => metricText(grid.macro.calibrationError)),
    ...cells.map(({ cell, i }) =>
      numeric<Row>(`${cell.scenario}, ${cell.task}`, ({ grid }) => metricText(grid.cells[i].auc)),
    ),
  ]);
}

const WIDTH = 120;

export const yardstickText = (model: GridJson, yardsticks: YardsticksDocument): string[] => [
  'yardsticks: AUC of simple predictors on the test rows',
  ...textTable(yardstickTable(model, yardsticks), WIDTH),
  '',
  verdict(yardsticks),
];

export const yardstickMarkdown = (model: GridJson, yardsticks: YardsticksDocument): string[] => [
  'Simple predictors, fitted to the same training rows: what a model must beat. The columns of cells are AUCs.',
  '',
  ...markdownTable(yardstickTable(model, yardsticks)),
];
