/** comparison.md: the tables for people who were not there. */
import type { ComparisonResult } from './result.ts';
import { type Table, tablesOf } from './tables.ts';
import type { Times } from './times.ts';

export function markdown(result: ComparisonResult, times: Times): string {
  const lines = [
    '# Comparison',
    '',
    ...result.datasets.map(
      ({ data, hash, testRows }) =>
        `- data: ${data} (${hash.slice(0, 12)}), ${testRows.toLocaleString('en-US')} test rows`,
    ),
    `- seeds: ${result.seeds.join(', ')}; baseline: ${result.baseline}`,
    '',
    ...tablesOf(result, times).flatMap(tableLines),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const tableLines = ({ title, head, rows, notes }: Table): string[] => [
  `## ${title[0].toUpperCase()}${title.slice(1)}`,
  '',
  ...[head, head.map((_, c) => (c === 0 ? '---' : '---:')), ...rows].map(
    (cells) => `| ${cells.map((cell) => cell.trim().replaceAll('|', '\\|').replaceAll('\n', ' ')).join(' | ')} |`,
  ),
  '',
  ...notes.flatMap((note) => [`${note}.`, '']),
];
