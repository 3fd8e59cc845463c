/** What the command line writes: text for people or JSON lines for machines, both on stdout. */
import { oneLine, printable } from '../base/one-line.ts';

export const print = (text: string): void => void process.stdout.write(`${printable(text)}\n`);

export const printJson = (value: object): void => print(JSON.stringify(value));

/** Rows of text as columns, two blanks apart; `right` names the columns that hold numbers. */
export function columns(given: string[][], right: readonly number[] = []): string[] {
  const rows = given.map((row) => row.map(oneLine));
  const widths = rows[0].map((_, c) => Math.max(...rows.map((row) => row[c].length)));
  return rows.map((row) =>
    row
      .map((cell, c) => (right.includes(c) ? cell.padStart(widths[c]) : cell.padEnd(widths[c])))
      .join('  ')
      .trimEnd(),
  );
}

export const count = (n: number): string => n.toLocaleString('en-US');

/** 75 -> "1 min 15 s". */
export function duration(seconds: number): string {
  const total = Math.round(seconds);
  if (total < 60) return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${total} s`;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${total % 60} s`;
}
