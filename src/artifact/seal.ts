/** JSON text that carries the SHA-256 of itself: any changed byte shows. */
import { sha256 } from '../base/hash.ts';

const tail = (checksum: string): string => `,"checksum":"${checksum}"}\n`;
const TAIL = /,"checksum":"([0-9a-f]{64})"\}\n$/;

/** The JSON of an object (not an empty one) with its checksum as the last property. */
export function seal(value: object): string {
  const body = JSON.stringify(value);
  return body.slice(0, -1) + tail(sha256(body));
}

/** The value of sealed text, or the checksums that disagree. */
export function unseal(text: string): { value: unknown } | { expected: string; found: string } {
  const [end, expected] = TAIL.exec(text) ?? ['', 'unreadable'];
  const body = `${text.slice(0, text.length - end.length)}}`;
  const found = sha256(body);
  return found === expected ? { value: JSON.parse(body) } : { expected, found };
}
