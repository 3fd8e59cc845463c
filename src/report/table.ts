/** Tables as text for a terminal and as Markdown, from the same columns. */
import { oneLine } from '../base/one-line.ts';
import { markdownText } from './markdown.ts';

/** A column: what it shows of a row. To add a column to a table, add one of these to its list. */
export interface Column<Row> {
  title: string;
  text: (row: Row) => string;
  /** Numbers go right. Default: left. */
  align?: 'left' | 'right';
  /** Neighbours of the same group stand under its name. */
  group?: string;
  /** The texts are Markdown already, such as `code`; the title never is. */
  isMarkdown?: boolean;
}

export interface FilledColumn extends Omit<Column<never>, 'text'> {
  cells: string[];
}

/** Columns of equally many cells. */
export type Table = readonly FilledColumn[];

/** Fills columns, one after the other, with the texts of the rows. */
export const tableOf = <Row>(rows: readonly Row[], columns: readonly Column<Row>[]): Table =>
  columns.map(({ text, ...column }) => ({ ...column, cells: rows.map((row) => text(row)) }));

/** A column of numbers. */
export const numeric = <Row>(title: string, text: (row: Row) => string): Column<Row> => ({
  title,
  text,
  align: 'right',
});

/**
 * Lines of text, cells two blanks apart and groups three. `width`: what would be wider continues below, with the first column
 * again; tables with groups do not wrap.
 */
export function textTable(table: Table, width = Number.POSITIVE_INFINITY): string[] {
  if (table.some(({ group }) => group !== undefined)) return groupedLines(table);
  const [names, ...others] = table.map(padded);
  const blocks = [[names]];
  let used = names[0].length;
  for (const column of others) {
    const needed = 2 + column[0].length;
    if (used + needed > width && blocks[blocks.length - 1].length > 1) {
      blocks.push([names]);
      used = names[0].length;
    }
    blocks[blocks.length - 1].push(column);
    used += needed;
  }
  return blocks.flatMap((block, i) => [...(i === 0 ? [] : ['']), ...beside(block, '  ').map((line) => line.trimEnd())]);
}

/** Blocks under the names of their groups. */
function groupedLines(table: Table): string[] {
  const blocks: { group: string; columns: string[][] }[] = [];
  for (const column of table) {
    const { group = '' } = column;
    if (blocks.at(-1)?.group === group) blocks.at(-1)?.columns.push(padded(column));
    else blocks.push({ group, columns: [padded(column)] });
  }
  const lines = blocks.map(({ group, columns }) => alignLeft([oneLine(group), ...beside(columns, '  ')]));
  return beside(lines, '   ').map((line) => line.trimEnd());
}

/** Title and cells of a column, all equally wide. */
function padded({ title, align, cells }: FilledColumn): string[] {
  const texts = [title, ...cells].map(oneLine);
  return align === 'right' ? texts.map((text) => text.padStart(widest(texts))) : alignLeft(texts);
}

const alignLeft = (texts: string[]): string[] => texts.map((text) => text.padEnd(widest(texts)));
const widest = (texts: readonly string[]): number => texts.reduce((most, text) => Math.max(most, text.length), 0);

/** Columns side by side. */
const beside = (columns: readonly string[][], gap: string): string[] =>
  columns[0].map((_, line) => columns.map((column) => column[line]).join(gap));

/** Lines of Markdown. Groups become a part of the titles. */
export function markdownTable(table: Table): string[] {
  const titles = table.map(({ title, group }) => markdownText(group === undefined ? title : `${group} ${title}`));
  const rule = table.map(({ align }) => (align === 'right' ? '---:' : '---'));
  const cells = table.map(({ cells, isMarkdown }) =>
    cells.map((text) => inCell(isMarkdown ? text : markdownText(text))),
  );
  return [titles, rule, ...(table[0]?.cells.map((_, row) => cells.map((column) => column[row])) ?? [])].map(
    (line) => `| ${line.join(' | ')} |`,
  );
}

/** Markdown within a cell: without what ends a cell or a row. */
const inCell = (text: string): string => text.trim().replaceAll('|', '\\|').replaceAll('\n', ' ');
