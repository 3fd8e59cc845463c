/** Numbers and tables as text and as Markdown. */
import { expect, test } from 'vitest';
import { duration } from '../../src/report/numbers.ts';
import { type Column, markdownTable, numeric, tableOf, textTable } from '../../src/report/table.ts';

test('durations in the two largest units', () => {
  expect([0, 9.94, 9.96, 59.4, 59.6, 3599, 3600, 90000].map(duration)).toEqual([
    '0.0 s',
    '9.9 s',
    '10 s',
    '59 s',
    '1 min 0 s',
    '59 min 59 s',
    '1 h 0 min',
    '25 h 0 min',
  ]);
});

interface Line {
  name: string;
  n: number;
  note: string;
}

const LINES: Line[] = [
  { name: 'a', n: 10, note: '' },
  { name: 'longer', n: 5, note: 'x' },
];
const COLUMNS: Column<Line>[] = [
  { title: 'name', text: ({ name }) => name },
  numeric('n', ({ n }) => String(n)),
  { title: '', text: ({ note }) => note },
];

test('text goes left, numbers go right, no line ends with a blank', () => {
  expect(textTable(tableOf(LINES, COLUMNS))).toEqual(['name     n', 'a       10', 'longer   5  x']);
  expect(textTable(tableOf([], COLUMNS))).toEqual(['name  n']);
});

test('columns of a group stand under its name', () => {
  const wide = COLUMNS.slice(0, 2).map((column, i) => (i === 0 ? column : { ...column, group: 'a group' }));
  expect(textTable(tableOf(LINES, wide))).toEqual(['         a group', 'name      n', 'a        10', 'longer    5']);
  expect(markdownTable(tableOf(LINES, wide))[0]).toBe('| name | a group n |');
});

test('a table that is too wide continues below, with the names of the rows again', () => {
  const names = ['mmoe', 'a model with a long name'];
  const table = tableOf(names, [
    { title: 'model', text: (name) => name },
    ...Array.from({ length: 12 }, (_, i) => numeric<string>(`scenario ${i}`, () => `0.${i}000 ± 0.0010`)),
  ]);
  const lines = textTable(table, 120);
  expect(Math.max(...lines.map((line) => line.length))).toBeLessThanOrEqual(120);
  expect(lines.filter((line) => line.startsWith('a model with a long name'))).toHaveLength(3);
  for (let i = 0; i < 12; i++)
    expect(lines.filter((line) => new RegExp(`scenario ${i}( |$)`).test(line))).toHaveLength(1);
});

test('Markdown: numbers to the right, names as they are, code where a column has some', () => {
  const table = tableOf(
    ['a|b\nc*'],
    [
      { title: 'model', text: (name) => name },
      { title: 'option', text: () => '`x`|y', isMarkdown: true },
      numeric('AUC', () => ' 0.7 '),
    ],
  );
  expect(markdownTable(table)).toEqual([
    '| model | option | AUC |',
    '| --- | --- | ---: |',
    '| a&#124;b\\\\nc\\* | `x`\\|y | 0.7 |',
  ]);
});
