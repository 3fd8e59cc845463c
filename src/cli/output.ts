/** What the command line writes: text for people or JSON lines for machines, both on stdout. */
import { printable } from '../base/one-line.ts';

export const print = (text: string): void => void process.stdout.write(`${printable(text)}\n`);

export const printJson = (value: object): void => print(JSON.stringify(value));
