/** Text for pages and reports in Markdown. */
import { oneLine, printable } from '../base/one-line.ts';

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
