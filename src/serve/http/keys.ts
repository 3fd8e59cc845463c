/**
 * API keys. A key is 32 random bytes, so its SHA-256 cannot be inverted by guessing; slow hashes are for passwords that people
 * choose. Every known hash is compared, each in constant time, so timing reveals neither matching digits nor the place of
 * a key in the list.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ServingConfig } from '../../config/serving.ts';

/** A new key, and its hash for the configuration. */
export function createKey(): { key: string; sha256: string } {
  const key = `tk_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: hash(key).toString('hex') };
}

/** Returns a function from a key to the name of its owner, or undefined for an unknown key. */
export function keyRing(keys: ServingConfig['adminKeys']): (given: string) => string | undefined {
  const known = keys.map(({ name, sha256 }) => ({ name, sha256: Buffer.from(sha256, 'hex') }));
  return (given) => {
    const found = hash(given);
    let owner: string | undefined;
    for (const { name, sha256 } of known) if (timingSafeEqual(found, sha256)) owner = name;
    return owner;
  };
}

const hash = (key: string): Buffer => createHash('sha256').update(key, 'utf8').digest();

/** The key of a request's headers: `Authorization: Bearer KEY` or `X-Api-Key: KEY`. */
export function keyOf(headers: Record<string, string | string[] | undefined>): string | undefined {
  const { authorization, 'x-api-key': key } = headers;
  if (typeof key === 'string') return key;
  return typeof authorization === 'string' ? /^Bearer +(\S+)$/i.exec(authorization)?.[1] : undefined;
}
