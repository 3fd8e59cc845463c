/** A grid as text for a terminal, and as JSON for machines. */
import { oneLine } from '../base/one-line.ts';
import { type Cell, type Grid, MACRO_METRICS, type Metric } from './grid.ts';
import { minimumText } from './means.ts';
import { numberOf } from './metric.ts';

const CELL_METRICS = [...MACRO_METRICS, 'positiveRate', 'meanProbability'] as const;

type CellMetric = (typeof CELL_METRICS)[number];

/** What `--json` prints: null where a metric is undefined, with the reason beside it. */
export interface GridJson {
  macro: Record<(typeof MACRO_METRICS)[number], number | null>;
  /** Rows of a list that NDCG and MAP are of. */
  k: number;
  /** Which cells count in `macro`, and how many of them there are. */
  means: Grid['means'] & { cells: number; of: number };
  cells: (Record<CellMetric, number | null> & {
    scenario: string;
    task: string;
    rows: number;
    positives: number;
    unlabelled: number;
    /** Why the cell does not count in `macro`. */
    leftOut?: string;
    reasons?: Partial<Record<CellMetric, string>>;
  })[];
}

export function gridToJson({ cells, macro, k, means }: Grid): GridJson {
  return {
    macro: valuesOf(macro, MACRO_METRICS),
    k,
    means: { ...means, cells: cells.filter(({ leftOut }) => leftOut === undefined).length, of: cells.length },
    cells: cells.map((cell) => {
      const { scenario, task, rows, positives, unlabelled, leftOut } = cell;
      const undefinedOnes = CELL_METRICS.flatMap((name) =>
        'undefined' in cell[name] ? [[name, cell[name].undefined]] : [],
      );
      return {
        scenario,
        task,
        ...valuesOf(cell, CELL_METRICS),
        rows,
        positives,
        unlabelled,
        ...(leftOut !== undefined && { leftOut }),
        ...(undefinedOnes.length > 0 && { reasons: Object.fromEntries(undefinedOnes) }),
      };
    }),
  };
}

const valuesOf = <K extends string>(metrics: Record<K, Metric>, names: readonly K[]): Record<K, number | null> =>
  Object.fromEntries(names.map((name) => [name, numberOf(metrics[name])])) as Record<K, number | null>;

/**
 * A table with one line per scenario and a block of columns per task:
 *
 *   scenario   click                                  like
 *                 AUC  log loss  positives      rows     AUC  log loss  positives  rows
 *   home       0.7954    0.4831    104,335   203,000      - ¹        …
 */
export function formatGrid(grid: Grid): string {
  const notes = new Notes();
  const columns = columnsOf(grid);
  const blocks = grid.tasks.map((task) => blockOf(task, grid, columns, notes));
  const names = leftAligned(['', 'scenario', ...grid.scenarios.map(oneLine)]);
  const lines = names.map((name, i) => [name, ...blocks.map((block) => block[i])].join('   ').trimEnd());
  return [...lines, '', macroLine(grid, notes), ...countedLines(grid), ...notes.lines()].join('\n');
}

interface Column {
  title: string;
  text: (cell: Cell, notes: Notes) => string;
}

/** What is of groups has a column where a cell defines it; MAP, which tells nearly the same as NDCG, is in the means alone. */
function columnsOf({ cells, k }: Grid): Column[] {
  const metric = (title: string, name: CellMetric): Column => ({
    title,
    text: (cell, notes) => notes.show(cell[name]),
  });
  const defined = (title: string, name: CellMetric): Column[] =>
    cells.some((cell) => 'value' in cell[name]) ? [metric(title, name)] : [];
  return [
    metric('AUC', 'auc'),
    ...defined('grouped AUC', 'groupedAuc'),
    ...defined(`NDCG@${k}`, 'ndcg'),
    metric('log loss', 'logloss'),
    { title: 'positives', text: (cell) => count(cell.positives) },
    { title: 'rows', text: (cell) => count(cell.rows) },
  ];
}

/** The lines of one task: its name, the column titles, then a line per scenario. All are equally wide. */
function blockOf(task: string, { cells }: Grid, columns: Column[], notes: Notes): string[] {
  const own = cells.filter((cell) => cell.task === task);
  const table = columns.map(({ title, text }) => rightAligned([title, ...own.map((cell) => text(cell, notes))]));
  const lines = table[0].map((_, i) => table.map((column) => column[i]).join('  '));
  return leftAligned([task, ...lines]);
}

function macroLine({ macro, cells, k, means }: Grid, notes: Notes): string {
  const defined = (title: string, name: 'groupedAuc' | 'ndcg' | 'map'): string[] =>
    cells.some((cell) => 'value' in cell[name]) ? [`${title} ${notes.show(macro[name])}`] : [];
  const parts = [
    `AUC ${notes.show(macro.auc)}`,
    ...defined('grouped AUC', 'groupedAuc'),
    ...defined(`NDCG@${k}`, 'ndcg'),
    ...defined(`MAP@${k}`, 'map'),
    `log loss ${notes.show(macro.logloss)}`,
    `calibration error ${notes.show(macro.calibrationError)}`,
  ];
  const over = macro.cells === cells.length ? `${cells.length} cells` : `${macro.cells} of ${cells.length} cells`;
  const weighted = means.weights === 'positives' && !means.fallback ? ' weighted by positives' : '';
  return `mean of ${over}${weighted}: ${parts.join(', ')}`;
}

/** Cells that are named one by one. */
const NAMED = 8;

/** Which cells with labels are left out of the means, or that none has the minimum. */
function countedLines({ cells, means }: Grid): string[] {
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

  show(metric: Metric): string {
    if ('value' in metric) return metric.value.toFixed(4);
    if (!this.reasons.includes(metric.undefined)) this.reasons.push(metric.undefined);
    return `- [${this.reasons.indexOf(metric.undefined) + 1}]`;
  }

  lines(): string[] {
    return this.reasons.map((reason, i) => `[${i + 1}] undefined: ${reason}`);
  }
}

const count = (n: number): string => n.toLocaleString('en-US');
const widest = (texts: string[]): number => Math.max(...texts.map((text) => text.length));
const leftAligned = (texts: string[]): string[] => texts.map((text) => text.padEnd(widest(texts)));
const rightAligned = (texts: string[]): string[] => texts.map((text) => text.padStart(widest(texts)));
