/** Names, notes and values come from data and other people's files: where they are shown, they must not become more than text. */

/** Control characters (line breaks, escape sequences of terminals), line separators, and marks that turn the direction of text. */
const UNSEEN = /[\p{Cc}\u2028\u2029\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/gu;

const SHORT = new Map([
  ['\n', '\\n'],
  ['\r', '\\r'],
  ['\t', '\\t'],
]);

/** Text on one line that a terminal or a file shows as it is: what cannot be seen is written as `\n` or `\u001b`. */
export const oneLine = (text: string): string => text.replace(UNSEEN, written);

/** The same of several lines, whose breaks stay. */
export const printable = (text: string): string =>
  text.replace(UNSEEN, (character) => (/[\n\t]/.test(character) ? character : written(character)));

const written = (character: string): string =>
  SHORT.get(character) ?? `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`;
