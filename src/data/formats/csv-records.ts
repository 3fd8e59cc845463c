/** Goes through a CSV file record by record, for what the parser that reads it does not say. */
import { contentOf } from './encoding.ts';

interface Marks {
  delimiter: string;
  quote: string;
  escape: string;
}

export interface Records {
  /** Records that are not empty lines, the header included. */
  count: number;
  /** Do records end with a line feed alone as well as with a carriage return before it? */
  mixedLineEnds: boolean;
  /** Line on which a quoted value begins that nothing ends. */
  unterminated?: number;
  /** The first escape character in a quoted value that stands before neither a quote nor itself, and what it stands before. */
  loneEscape?: { line: number; before: string };
}

const LF = 10;
const CR = 13;

/** Counts records and looks at their ends and escapes. Quotes count where they begin a value. Throws FILE_UNREADABLE. */
export async function walkRecords(path: string, { delimiter, quote, escape: mark }: Marks): Promise<Records> {
  const marks = Buffer.from(delimiter);
  const last = marks[marks.length - 1];
  const [quoteByte, escapeByte] = [quote === '' ? -1 : quote.charCodeAt(0), mark === '' ? -1 : mark.charCodeAt(0)];
  const ends = { feeds: 0, pairs: 0 };
  const result: Records = { count: 0, mixedLineEnds: false };
  let line = 1;
  let state: 'start' | 'plain' | 'quoted' | 'escaped' | 'closed' = 'start';
  let isEmpty = true; // the record so far
  let matched = 0; // bytes of the delimiter
  let before = -1;
  let isFirst = true;
  for await (const chunk of contentOf(path)) {
    for (const byte of isFirst ? withoutMark(chunk) : chunk) {
      if (byte === LF) line++;
      if (state === 'quoted') {
        if (byte === escapeByte && escapeByte !== quoteByte) state = 'escaped';
        else if (byte === quoteByte) state = 'closed';
      } else if (state === 'escaped') {
        if (byte !== quoteByte && byte !== escapeByte)
          result.loneEscape ??= { line, before: String.fromCharCode(byte) };
        state = 'quoted';
      } else if (byte === LF) {
        ends.feeds++;
        if (before === CR) ends.pairs++;
        if (!isEmpty) result.count++;
        isEmpty = true;
        state = 'start';
      } else if (byte === quoteByte && (state === 'start' || state === 'closed')) {
        // Behind a closing quote another one stands for itself.
        if (state === 'start') result.unterminated = line;
        state = 'quoted';
        isEmpty = false;
      } else if (byte !== CR) {
        isEmpty = false;
        matched = byte === marks[matched] ? matched + 1 : byte === marks[0] ? 1 : 0;
        if (matched === marks.length && byte === last) {
          state = 'start';
          matched = 0;
        } else if (state === 'start' && matched === 0) state = 'plain';
      }
      before = byte;
    }
    isFirst = false;
  }
  if (!isEmpty) result.count++;
  const { unterminated, ...complete } = result;
  const mixedLineEnds = ends.pairs > 0 && ends.feeds > ends.pairs;
  return { ...(state === 'quoted' || state === 'escaped' ? result : complete), mixedLineEnds };
}

/** Without the byte order mark of UTF-8. */
const withoutMark = (bytes: Buffer): Buffer =>
  bytes[0] === 0xef && bytes[1] === 0xbb && bytes[2] === 0xbf ? bytes.subarray(3) : bytes;

/** The values of the first record of a text; quotes count where they begin a value. */
export function firstRecord(text: string, { delimiter, quote, escape: mark }: Marks): string[] {
  const values = [''];
  let quoted = false;
  for (let at = 0; at < text.length; at++) {
    const value = values[values.length - 1];
    const isQuote = quote !== '' && text[at] === quote;
    if (quoted) {
      if (text[at] === mark && (text[at + 1] === quote || (mark !== quote && text[at + 1] === mark))) {
        values[values.length - 1] += text[++at];
      } else if (isQuote) quoted = false;
      else values[values.length - 1] += text[at];
    } else if (isQuote && value === '') quoted = true;
    else if (text.startsWith(delimiter, at)) {
      values.push('');
      at += delimiter.length - 1;
    } else if (text[at] === '\n' || text[at] === '\r') {
      return values;
    } else values[values.length - 1] += text[at];
  }
  return values;
}
