/** What the command line writes: text for people or JSON lines for machines, both on stdout. */
import { printable } from '../base/one-line.ts';
import { isLead } from './process/ranks.ts';

export function print(text: string): void {
  if (isLead()) process.stdout.write(`${printable(text)}\n`);
}

export const printJson = (value: object): void => print(JSON.stringify(value));
