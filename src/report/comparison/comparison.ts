/** A comparison: the terminal, and comparison.md. */
import { oneLine } from '../../base/one-line.ts';
import type { ComparisonResult, Times } from '../../documents/comparison.ts';
import { markdownText } from '../markdown.ts';
import { count } from '../numbers.ts';
import { markdownTable, textTable } from '../table.ts';
import type { Section } from './section.ts';
import { finding, sectionsOf } from './sections.ts';
import { yardstickFinding } from './yardsticks.ts';

const WIDTH = 120;

/** Text of at most 120 columns, notes apart: a wider table continues below. */
export const comparisonText = (result: ComparisonResult, times: Times): string =>
  [
    ...comparisonFindings(result).map((text) => oneLine(text)),
    '',
    sectionsOf(result, times)
      .map(({ title, table, notes }) =>
        [oneLine(title), ...textTable(table, WIDTH), ...notes.map((note) => `  ${oneLine(note)}`)].join('\n'),
      )
      .join('\n\n'),
  ].join('\n');

const TITLE = '# Comparison';

/** Is it a comparison.md? What nothing here wrote must not be overwritten. */
export const isComparisonReport = (text: string): boolean =>
  text.startsWith(`${TITLE}\n`) && /^- data: .*\n(- data: .*\n)*- seeds: .*; baseline: /m.test(text);

export function comparisonMarkdown(result: ComparisonResult, times: Times): string {
  const lines = [
    TITLE,
    '',
    ...comparisonFindings(result).flatMap((text) => [markdownText(text), '']),
    ...result.datasets.map(
      ({ data, hash, testRows }) =>
        `- data: ${markdownText(data)} (${hash.slice(0, 12)}), ${count(testRows)} test rows`,
    ),
    `- seeds: ${result.seeds.join(', ')}; baseline: ${markdownText(result.baseline)}`,
    '',
    ...sectionsOf(result, times).flatMap(sectionLines),
  ];
  return `${lines.join('\n').trimEnd()}\n`;
}

const sectionLines = ({ title, table, notes }: Section): string[] => [
  `## ${markdownText(`${title[0].toUpperCase()}${title.slice(1)}`)}`,
  '',
  ...markdownTable(table),
  '',
  ...notes.flatMap((note) => [`${markdownText(note)}.`, '']),
];

/** A sentence for each data set. */
export const comparisonFindings = (result: ComparisonResult): string[] =>
  result.datasets.flatMap((dataset) => {
    const found = finding(result, dataset);
    if (found === undefined) return [];
    const of = result.datasets.length > 1 ? `${dataset.data}: ` : '';
    const beaten = yardstickFinding(dataset);
    return [`${of}${found}.`, ...(beaten === undefined ? [] : [`${of}${beaten}`])];
  });
