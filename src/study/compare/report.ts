/** comparison.md: the tables for people who were not there. */
import { markdownTable, markdownText } from '../../base/markdown.ts';
import type { ComparisonResult } from './result.ts';
import { type Table, tablesOf } from './tables.ts';
import type { Times } from './times.ts';

/** How every report begins. */
export const REPORT_START = '# Comparison\n\n- data: ';

export function markdown(result: ComparisonResult, times: Times): string {
  const lines = [
    '# Comparison',
    '',
    ...result.datasets.map(
      ({ data, hash, testRows }) =>
        `- data: ${markdownText(data)} (${hash.slice(0, 12)}), ${testRows.toLocaleString('en-US')} test rows`,
    ),
    `- seeds: ${result.seeds.join(', ')}; baseline: ${markdownText(result.baseline)}`,
    '',
    ...tablesOf(result, times).flatMap(tableLines),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const tableLines = ({ title, head, rows, notes }: Table): string[] => [
  `## ${markdownText(`${title[0].toUpperCase()}${title.slice(1)}`)}`,
  '',
  ...markdownTable(
    head.map(markdownText),
    rows.map((row) => row.map(markdownText)),
    'right',
  ),
  '',
  ...notes.flatMap((note) => [`${markdownText(note)}.`, '']),
];
