/** Lines of exactly the layout of Census-Income (KDD): 42 values with comma and space between, `?` for unknown ones. */
import { gzipSync } from 'node:zlib';
import { random } from '../../../src/base/random.ts';

/** Values of the columns in their order, texts as in the published files; a number n stands for numbers below n. */
const COLUMNS: (number | string[])[] = [
  91,
  ['Not in universe', 'Private', 'Self-employed-not incorporated', 'State government'],
  52,
  47,
  ['Children', 'High school graduate', 'Some college but no degree', 'Bachelors degree(BA AB BS)', '7th and 8th grade'],
  2000,
  ['Not in universe', 'High school', 'College or university'],
  ['Never married', 'Married-civilian spouse present', 'Divorced', 'Widowed'],
  ['Not in universe or children', 'Retail trade', 'Finance insurance and real estate'],
  ['Not in universe', 'Handlers equip cleaners etc ', 'Precision production craft & repair'],
  ['White', 'Black', 'Asian or Pacific Islander'],
  ['All other', 'NA', 'Mexican (Mexicano)'],
  ['Female', 'Male'],
  ['Not in universe', 'No', 'Yes'],
  ['Not in universe', 'Job loser - on layoff'],
  ['Children or Armed Forces', 'Full-time schedules', 'Unemployed part- time'],
  [...Array.from({ length: 9 }, () => '0'), '99999'],
  ['0', '0', '0', '1902'],
  ['0', '0', '12', '4000'],
  ['Nonfiler', 'Joint both under 65', 'Single', 'Joint one under 65 & one 65+'],
  ['Not in universe', 'South'],
  ['Not in universe', 'Utah', '?'],
  ['Householder', 'Child <18 never marr not in subfamily', 'Spouse of householder'],
  ['Householder', 'Child under 18 never married', 'Spouse of householder'],
  ['1700.09', '1053.55', '991.95', '4.93'],
  ['?', 'Nonmover', 'MSA to MSA'],
  ['?', 'Nonmover', 'Same county'],
  ['?', 'Nonmover', 'Same county'],
  ['Not in universe under 1 year old', 'Yes', 'No'],
  ['?', 'Not in universe', 'Yes'],
  7,
  ['Not in universe', 'Both parents present'],
  ['United-States', 'Outlying-U S (Guam USVI etc)', '?'],
  ['United-States', 'Trinadad&Tobago', '?'],
  ['United-States', 'Mexico', '?'],
  ['Native- Born in the United States', 'Foreign born- Not a citizen of U S '],
  3,
  ['Not in universe', 'Yes', 'No'],
  3,
  53,
  ['94', '95'],
  ['- 50000.', '- 50000.', '- 50000.', '50000+.'],
];

/** Values of `rows` lines; `seed` keeps two files apart. */
export function censusLines(rows: number, seed: number): string[][] {
  const { below } = random('census', seed);
  return Array.from({ length: rows }, () =>
    COLUMNS.map((values) => (typeof values === 'number' ? String(below(values)) : values[below(values.length)])),
  );
}

export const censusText = (lines: string[][]): string => lines.map((line) => `${line.join(', ')}\n`).join('');
export const censusArchive = (lines: string[][]): Buffer => gzipSync(censusText(lines));
