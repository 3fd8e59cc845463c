/**
 * What the bytes of a text file say before it is parsed: its encoding, its line ends, its escape characters. All of it is
 * read once; memory does not grow with the file.
 */
import { isAscii, isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';

export type Encoding = 'utf-8' | 'latin-1' | 'utf-16';

export interface TextScan {
  encoding: Encoding;
  /** Do some lines end with a line feed alone and others with a carriage return before it (quoted ones included)? */
  mixedLineEnds: boolean;
  /** Does a backslash stand before a double quote somewhere? */
  escapesQuotes: boolean;
  /** Line of the first carriage return that no line feed follows, where there are line feeds, too. */
  loneReturn?: number;
}

/**
 * Reads `path` through. For `auto`, the encoding is UTF-16 by its byte order mark, UTF-8 where the whole file is valid
 * UTF-8, and Latin-1 where none of its characters beyond ASCII is valid UTF-8 and there are at least two: a file with both
 * valid and invalid characters is damaged UTF-8. Throws DATA_ENCODING with line and byte for one that is of no encoding
 * which can be read, DATA_ENCODING_UNSUPPORTED for big-endian UTF-16.
 */
export async function scanText(path: string, wanted: 'auto' | Encoding): Promise<TextScan> {
  const plain = {
    encoding: wanted === 'auto' ? ('utf-8' as const) : wanted,
    mixedLineEnds: false,
    escapesQuotes: false,
  };
  if (/\.zst$/i.test(path)) return plain;
  const scanner = new Scanner(wanted === 'latin-1');
  let first = true;
  for await (const chunk of contentOf(path)) {
    if (first && isUtf16(chunk, path, wanted)) return { ...plain, encoding: 'utf-16' };
    first = false;
    scanner.read(chunk);
    if (wanted === 'utf-8' && scanner.invalid !== undefined) break;
  }
  scanner.end();
  return { ...scanner.lineEnds(), encoding: encodingOf(scanner, path, wanted), escapesQuotes: scanner.escapesQuotes };
}

/** What a file holds, piece by piece: unpacked where its name ends in .gz. Throws FILE_UNREADABLE. */
export async function* contentOf(path: string): AsyncGenerator<Buffer> {
  const raw = createReadStream(path, { highWaterMark: 1 << 20 });
  const stream = /\.gz$/i.test(path) ? raw.pipe(createGunzip()) : raw;
  raw.on('error', (cause) => stream.destroy(cause));
  try {
    yield* stream as AsyncIterable<Buffer>;
  } catch (cause) {
    throw asReadError(cause, path, 'a text file');
  }
}

function isUtf16(start: Buffer, path: string, wanted: 'auto' | Encoding): boolean {
  if (start[0] === 0xfe && start[1] === 0xff)
    throw error('DATA_ENCODING_UNSUPPORTED', { path, found: 'big-endian UTF-16' });
  if (wanted === 'utf-16') return true;
  return wanted === 'auto' && start[0] === 0xff && start[1] === 0xfe;
}

/** A place in a file; line and byte from 1. */
interface Place {
  line: number;
  byte: number;
  value: number;
}

/** What Windows-1252 has in the place of Latin-1's control characters, from 0x80 on. */
const WINDOWS = [...'€ ‚ƒ„…†‡ˆ‰Š‹Œ Ž  ‘’“”•–—˜™š›œ žŸ'];

function encodingOf(scanner: Scanner, path: string, wanted: 'auto' | Encoding): Encoding {
  const { invalid, control } = scanner;
  const refuse = ({ line, byte, value }: Place, expected: string) => {
    const meaning = WINDOWS[value - 0x80] ?? ' ';
    const found = `0x${value.toString(16)}${meaning === ' ' ? '' : ` ("${meaning}" in Windows-1252)`}`;
    return error('DATA_ENCODING', { path, line, byte, expected, found });
  };
  if (wanted === 'latin-1') {
    if (control !== undefined) throw refuse(control, 'Latin-1');
    return 'latin-1';
  }
  if (invalid === undefined) return 'utf-8';
  if (wanted === 'utf-8' || scanner.hasUtf8 || scanner.invalidPlaces < 2) throw refuse(invalid, 'UTF-8');
  if (control !== undefined) throw refuse(control, 'UTF-8 or Latin-1');
  return 'latin-1';
}

const LF = 10;
const CR = 13;

/** Goes through a file's bytes once. */
class Scanner {
  /** First byte that is not UTF-8. */
  invalid: Place | undefined;
  /** Stretches of bytes that are not UTF-8, up to 2. */
  invalidPlaces = 0;
  /** First byte that is no character in Latin-1: 0x80 to 0x9f. */
  control: Place | undefined;
  /** Is there a valid character beyond ASCII? */
  hasUtf8 = false;
  escapesQuotes = false;
  /** Line feeds, and those with a return before them. */
  private feeds = 0;
  private pairs = 0;
  private loneReturn: number | undefined;
  private line = 1;
  private byte = 0;
  private rest: Buffer = Buffer.alloc(0); // what came so far ends with a complete character; the last one may not

  private readonly isLatin1: boolean;

  constructor(isLatin1: boolean) {
    this.isLatin1 = isLatin1;
  }

  read(chunk: Buffer): void {
    const bytes = this.rest.length === 0 ? chunk : Buffer.concat([this.rest, chunk]);
    // A character, a pair of line ends or of backslash and quote is not cut in two.
    let end = completeCharacters(bytes);
    while (end > 0 && (bytes[end - 1] === CR || bytes[end - 1] === 0x5c)) end--;
    if (bytes.length - end > 1 << 20) end = bytes.length;
    this.take(bytes.subarray(0, end));
    this.rest = bytes.subarray(end);
  }

  end(): void {
    this.take(this.rest);
    this.rest = Buffer.alloc(0);
  }

  lineEnds(): Pick<TextScan, 'mixedLineEnds' | 'loneReturn'> {
    const mixedLineEnds = this.pairs > 0 && this.feeds > this.pairs;
    return this.feeds > 0 ? { mixedLineEnds, loneReturn: this.loneReturn } : { mixedLineEnds };
  }

  private take(bytes: Buffer): void {
    if (!isAscii(bytes)) {
      if (isUtf8(bytes)) {
        this.hasUtf8 = true;
        if (this.isLatin1 && this.control === undefined) this.findControl(bytes);
      } else this.walk(bytes);
    }
    if (!this.escapesQuotes) this.escapesQuotes = bytes.includes('\\"');
    for (let at = bytes.indexOf(CR); at >= 0; at = bytes.indexOf(CR, at + 1)) {
      if (bytes[at + 1] === LF) this.pairs++;
      else this.loneReturn ??= this.placeOf(bytes, at).line;
    }
    const lines = countLines(bytes);
    this.feeds += lines;
    this.line += lines;
    this.byte += bytes.length;
  }

  private findControl(bytes: Buffer): void {
    for (let at = 0; at < bytes.length; at++)
      if (bytes[at] >= 0x80 && bytes[at] < 0xa0) {
        this.control = this.placeOf(bytes, at);
        return;
      }
  }

  /** Looks at every byte of bytes that are not all UTF-8. */
  private walk(bytes: Buffer): void {
    let before = -2; // the last invalid byte
    for (let at = 0; at < bytes.length; ) {
      const value = bytes[at];
      if (value < 0x80) {
        at++;
        continue;
      }
      if (value < 0xa0) this.control ??= this.placeOf(bytes, at);
      const length = characterLength(bytes, at);
      if (length > 0) {
        this.hasUtf8 = true;
        at += length;
        continue;
      }
      this.invalid ??= this.placeOf(bytes, at);
      if (before !== at - 1) this.invalidPlaces++;
      before = at;
      at++;
    }
  }

  private placeOf(bytes: Buffer, at: number): Place {
    return { line: this.line + countLines(bytes.subarray(0, at)), byte: this.byte + at + 1, value: bytes[at] };
  }
}

/** Bytes of the valid UTF-8 character beyond ASCII that begins at `at`; 0 where there is none. */
function characterLength(bytes: Buffer, at: number): number {
  const lead = bytes[at];
  const length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : lead >= 0xc2 ? 2 : 0;
  return length > 0 && at + length <= bytes.length && isUtf8(bytes.subarray(at, at + length)) ? length : 0;
}

/** Length of `bytes` without a character that its end cuts off. */
function completeCharacters(bytes: Buffer): number {
  for (let back = 1; back <= 3 && back <= bytes.length; back++) {
    const byte = bytes[bytes.length - back];
    if ((byte & 0xc0) === 0x80) continue; // a continuation byte: its lead is further left
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) lines++;
  return lines;
}
