/** The text of a configuration file, whoever wrote it: a file of reasonable size, in UTF-8. */
import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { error } from '../../base/errors/index.ts';
import { asReadError } from '../../base/files.ts';

const EXPECTED = 'a configuration';

/**
 * Reads a file of at most `most` bytes, without a byte order mark.
 *
 * @throws FILE_MISSING, FILE_UNREADABLE, CONFIG_UNREADABLE for what is no file, too large or not text in UTF-8
 */
export function readConfigText(path: string, most: number): string {
  const refuse = (problem: string) => error('CONFIG_UNREADABLE', { path, problems: [problem] });
  let bytes: Buffer;
  try {
    const stat = statSync(path);
    // A pipe or a device might never end.
    if (!stat.isFile())
      throw refuse(`expected a file, found ${stat.isDirectory() ? 'a folder' : 'a device or a pipe'}`);
    if (stat.size > most) throw refuse(`it has ${stat.size} bytes, at most ${most} are read`);
    bytes = readFileSync(path);
  } catch (cause) {
    throw asReadError(cause, path, EXPECTED);
  }
  if ((bytes[0] === 0xff && bytes[1] === 0xfe) || (bytes[0] === 0xfe && bytes[1] === 0xff))
    throw refuse('it is UTF-16: expected UTF-8');
  const lineOf = (at: number): number => bytes.subarray(0, at).filter((byte) => byte === 10).length + 1;
  if (!isUtf8(bytes)) throw refuse(`line ${lineOf(invalidAt(bytes))}: not valid UTF-8`);
  const nul = bytes.indexOf(0);
  if (nul >= 0) throw refuse(`line ${lineOf(nul)}: a NUL byte`);
  return bytes.toString('utf8').replace(/^\ufeff/, '');
}

/** Where the longest valid text from the start ends. */
function invalidAt(bytes: Buffer): number {
  let [valid, invalid] = [0, bytes.length];
  while (invalid - valid > 1) {
    const middle = (valid + invalid) >>> 1;
    const isValid = [0, 1, 2, 3].some(
      (less) => isUtf8(bytes.subarray(0, Math.max(0, middle - less))) && middle - less > valid,
    );
    if (isValid) valid = middle;
    else invalid = middle;
  }
  return valid;
}
