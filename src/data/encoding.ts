/** Which encoding a text file has, found by reading all of it once (memory does not grow with the file). */
import { isUtf8 } from 'node:buffer';
import { createReadStream } from 'node:fs';
import { createGunzip } from 'node:zlib';
import { error } from '../base/errors/index.ts';
import { asReadError } from '../base/files.ts';

export type Encoding = 'utf-8' | 'latin-1' | 'utf-16';

/**
 * The encoding to read `path` with: `wanted`, or for `auto` UTF-16 by its byte order mark, UTF-8 where the whole file
 * is valid UTF-8, and Latin-1 otherwise. Throws DATA_ENCODING (with line and byte) where `wanted` is utf-8 and the file
 * is not, DATA_ENCODING_UNSUPPORTED for big-endian UTF-16.
 */
export async function detectEncoding(path: string, wanted: 'auto' | Encoding): Promise<Encoding> {
  if (wanted === 'latin-1' || path.endsWith('.zst')) return wanted === 'auto' ? 'utf-8' : wanted;
  let first = true;
  let line = 1;
  let byte = 0;
  let rest: Buffer = Buffer.alloc(0); // the lines so far end with a complete character; the last one may not
  const raw = createReadStream(path, { highWaterMark: 1 << 20 });
  const stream = path.endsWith('.gz') ? raw.pipe(createGunzip()) : raw;
  raw.on('error', (cause) => stream.destroy(cause));
  try {
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      if (first) {
        if (chunk[0] === 0xfe && chunk[1] === 0xff)
          throw error('DATA_ENCODING_UNSUPPORTED', { path, found: 'big-endian UTF-16' });
        if (wanted === 'utf-16' || (chunk[0] === 0xff && chunk[1] === 0xfe && wanted === 'auto')) return 'utf-16';
        first = false;
      }
      const bytes = rest.length === 0 ? chunk : Buffer.concat([rest, chunk]);
      const end = completeCharacters(bytes);
      const valid = bytes.subarray(0, end);
      if (!isUtf8(valid)) {
        if (wanted === 'auto') return 'latin-1';
        throw error('DATA_ENCODING', { path, ...locateInvalid(valid, line, byte), expected: 'UTF-8' });
      }
      line += countLines(valid);
      byte += end;
      rest = bytes.subarray(end);
    }
  } catch (cause) {
    throw asReadError(cause, path, 'a text file');
  }
  if (rest.length === 0) return 'utf-8';
  if (wanted === 'auto') return 'latin-1';
  throw error('DATA_ENCODING', { path, line, byte: byte + 1, expected: 'UTF-8' });
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

/** Line and byte (both from 1) of the first invalid character, given those before `bytes`. */
function locateInvalid(bytes: Buffer, line: number, byte: number): { line: number; byte: number } {
  let start = 0;
  for (let end = bytes.indexOf(10); end >= 0 && isUtf8(bytes.subarray(start, end)); end = bytes.indexOf(10, start)) {
    start = end + 1;
    line++;
  }
  let valid = start; // end of the last complete valid character
  for (let end = start + 1; end <= bytes.length; end++) {
    const complete = completeCharacters(bytes.subarray(0, end));
    if (!isUtf8(bytes.subarray(start, complete))) break;
    valid = complete;
  }
  return { line, byte: byte + valid + 1 };
}

function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) lines++;
  return lines;
}
