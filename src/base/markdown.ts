/** Text for pages and reports in Markdown. */

/** Lines of a table. `align`: which way the columns after the first one go; numbers go right. */
export function markdownTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  align: 'left' | 'right' = 'left',
): string[] {
  const rule = head.map((_, column) => (column > 0 && align === 'right' ? '---:' : '---'));
  return [line(head.map(inCell)), line(rule), ...rows.map((cells) => line(cells.map(inCell)))];
}

const line = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;

/** Names come from data: they may hold what ends a cell or a row. */
const inCell = (text: string): string => text.trim().replaceAll('|', '\\|').replaceAll('\n', ' ');
