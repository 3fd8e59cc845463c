/** A grid of metrics as text for a terminal. */
import { oneLine } from '../base/one-line.ts';
import { type CellMetric, type GridJson, gridToJson } from '../documents/grid.ts';
import { type Grid, minimumText } from '../evaluate/index.ts';
import { count } from './numbers.ts';
import { type Column, numeric, type Table, tableOf, textTable } from './table.ts';

type Cell = GridJson['cells'][number];

/** The grid of an evaluation as text, see `gridText`. */
export const formatGrid = (grid: Grid): string => gridText(gridToJson(grid));

/**
 * A table with one line per scenario and a block of columns per task:
 *
 *   scenario   click                                  like
 *                 AUC  log loss  positives      rows     AUC  log loss  positives  rows
 *   home       0.7954    0.4831    104,335   203,000      - ¹        …
 */
export function gridText(grid: GridJson): string {
  const notes = new Notes();
  const table = gridTable(grid, notes);
  return [...textTable(table), '', macroLine(grid, notes), ...countedLines(grid), ...notes.lines()].join('\n');
}

function gridTable({ cells, k }: GridJson, notes: Notes): Table {
  const scenarios = [...new Set(cells.map(({ scenario }) => scenario))];
  const tasks = [...new Set(cells.map(({ task }) => task))];
  const columns = cellColumns(cells, k, notes);
  return [
    ...tableOf(scenarios, [{ title: 'scenario', text: (scenario) => scenario }]),
    ...tasks.flatMap((task) =>
      tableOf(
        cells.filter((cell) => cell.task === task),
        columns.map((column) => ({ ...column, group: task })),
      ),
    ),
  ];
}

/** What is shown of each cell. Metrics of groups have a column where a cell defines them; MAP, close to NDCG, is in the means alone. */
function cellColumns(cells: readonly Cell[], k: number, notes: Notes): Column<Cell>[] {
  const metric = (title: string, name: CellMetric): Column<Cell> =>
    numeric(title, (cell) => notes.show(cell[name], cell.reasons?.[name]));
  const defined = (title: string, name: CellMetric): Column<Cell>[] =>
    isDefined(cells, name) ? [metric(title, name)] : [];
  return [
    metric('AUC', 'auc'),
    ...defined('grouped AUC', 'groupedAuc'),
    ...defined(`NDCG@${k}`, 'ndcg'),
    metric('log loss', 'logloss'),
    numeric('positives', (cell) => count(cell.positives)),
    numeric('rows', (cell) => count(cell.rows)),
  ];
}

const isDefined = (cells: readonly Cell[], name: CellMetric): boolean => cells.some((cell) => cell[name] !== null);

function macroLine({ macro, cells, k, means }: GridJson, notes: Notes): string {
  const mean = (title: string, name: keyof typeof macro): string =>
    `${title} ${notes.show(macro[name], 'it is undefined in every cell that counts')}`;
  const defined = (title: string, name: 'groupedAuc' | 'ndcg' | 'map'): string[] =>
    isDefined(cells, name) ? [mean(title, name)] : [];
  const parts = [
    mean('AUC', 'auc'),
    ...defined('grouped AUC', 'groupedAuc'),
    ...defined(`NDCG@${k}`, 'ndcg'),
    ...defined(`MAP@${k}`, 'map'),
    mean('log loss', 'logloss'),
    mean('calibration error', 'calibrationError'),
  ];
  const counted = cells.filter(({ auc, leftOut }) => auc !== null && leftOut === undefined).length;
  const over = counted === cells.length ? `${cells.length} cells` : `${counted} of ${cells.length} cells`;
  const weighted = means.weights === 'positives' && !means.fallback ? ' weighted by positives' : '';
  return `mean of ${over}${weighted}: ${parts.join(', ')}`;
}

/** Cells that are named one by one. */
const NAMED = 8;

/** Which cells with labels are left out of the means, or that none has the minimum. */
function countedLines({ cells, means }: GridJson): string[] {
  if (means.fallback) return [`means are of all cells equally: no cell has ${minimumText(means)}`];
  const left = cells.filter(({ leftOut, rows }) => leftOut !== undefined && rows > 0);
  if (left.length === 0) return [];
  const named = left.slice(0, NAMED).map(({ scenario, task, leftOut }) => `${oneLine(scenario)} ${task} (${leftOut})`);
  const more = left.length > NAMED ? ` and ${left.length - NAMED} more` : '';
  return [`left out of means: ${named.join('; ')}${more}`];
}

/** Numbers the reasons of undefined metrics in order of appearance. */
class Notes {
  private readonly reasons: string[] = [];

  show(value: number | null, reason = 'no reason is recorded'): string {
    if (value !== null) return value.toFixed(4);
    if (!this.reasons.includes(reason)) this.reasons.push(reason);
    return `- [${this.reasons.indexOf(reason) + 1}]`;
  }

  lines(): string[] {
    return this.reasons.map((reason, i) => `[${i + 1}] undefined: ${reason}`);
  }
}
