/** Text for pages and reports in Markdown. */
import { oneLine, printable } from './one-line.ts';

/**
 * A name or a note as part of a page: shown letter by letter, whatever it looks like. Underscores within a word mean nothing
 * to Markdown and stay as they are.
 */
export const markdownText = (text: string): string =>
  oneLine(text)
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replace(/[\\`*[\]~$#@]|(?<![A-Za-z0-9])_|_(?![A-Za-z0-9])/g, '\\$&')
    .replace(/:(?=\/\/)/g, ':\\')
    .replace(/\bwww\./gi, 'www\\.')
    .replaceAll('|', '&#124;');

/** Lines of a block of code that ends at its end only. */
export function fenced(text: string, language: string): string[] {
  const longest = Math.max(2, ...[...text.matchAll(/`+/g)].map(([run]) => run.length));
  const fence = '`'.repeat(longest + 1);
  return [`${fence}${language}`, printable(text), fence];
}

/** Lines of a table. `align`: which way the columns after the first one go; numbers go right. Names go through `markdownText` before. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
): string[] {
  const rule = head.map((_, column) => (column > 0 && align === 'right' ? '---:' : '---'));
  return [line(head.map(inCell)), line(rule), ...rows.map((cells) => line(cells.map(inCell)))];
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** What ends a cell or a row. */
const inCell = (text: string): string => text.trim().replaceAll('|', '\\|').replaceAll('\n', ' ');
