/** JSON text that carries the SHA-256 of itself: any changed byte shows. */
import { z } from 'zod';
import { error } from './errors/index.ts';
import { readDescription } from './files.ts';
import { sha256 } from './hash.ts';
import { parseJson } from './json.ts';

/** On one line, or on lines of its own. */
const TAIL = /,(?:"checksum":"([0-9a-f]{64})"\}|\n {1,10}"checksum": "([0-9a-f]{64})"\n\})\n$/;

/** Stands for the checksum of a text that has none. */
export const UNREADABLE = 'unreadable';

/** The JSON of an object (not an empty one) with its checksum as the last property. `indent`: as JSON.stringify takes it. */
export function seal(value: object, indent?: number): string {
  const open = JSON.stringify(value, undefined, indent).replace(/\s*\}$/, '');
  const [line, colon, end] = indent === undefined ? ['', ':', '}\n'] : [`\n${' '.repeat(indent)}`, ': ', '\n}\n'];
  return `${open},${line}"checksum"${colon}"${sha256(`${open}}`)}"${end}`;
}

/**
 * The value of sealed text, or the checksums that disagree.
 *
 * @throws SyntaxError where sealed text is no JSON, or is nested too deep: somebody sealed it on purpose
 */
export function unseal(text: string): { value: unknown } | { expected: string; found: string } {
  const [end, compact, indented] = TAIL.exec(text) ?? [''];
  const expected = compact ?? indented ?? UNREADABLE;
  const body = `${text.slice(0, text.length - end.length)}}`;
  const found = sha256(body);
  return found === expected ? { value: parseJson(body) } : { expected, found };
}

/**
 * The value of a sealed file of a folder of results.
 *
 * @param expected what the file is, for messages
 * @throws FILE_MISSING, FILE_UNREADABLE, FILE_TOO_LARGE, CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function readSealed<T>(path: string, expected: string, schema: z.ZodType<T>): T {
  const content = unsealFile(path, readDescription(path, expected));
  if (!('value' in content)) throw error('CHECKSUM_MISMATCH', { path, ...content });
  const parsed = schema.safeParse(content.value);
  if (!parsed.success) throw error('RUN_DAMAGED', { path, problem: z.prettifyError(parsed.error) });
  return parsed.data;
}

function unsealFile(path: string, text: string): ReturnType<typeof unseal> {
  try {
    return unseal(text);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw error('RUN_DAMAGED', { path, problem: `it is not JSON: ${cause.message}` }, cause);
  }
}
