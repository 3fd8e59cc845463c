/** JSON text that carries the SHA-256 of itself: any changed byte shows. */
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
