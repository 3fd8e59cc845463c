/**
 * API keys. A key is 32 random bytes, so one SHA-256 of it is as hard to turn around as the key is to guess; slow hashes are
 * for words that people choose. Every known hash is compared, each in constant time: neither the number of matching
 * digits nor the place in the list shows in the time it takes.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto';
import type { ServingConfig } from '../../config/serving.ts';

/** A new key, and what a configuration keeps of it. */
export function createKey(): { key: string; sha256: string } {
  const key = `tk_${randomBytes(32).toString('base64url')}`;
  return { key, sha256: hash(key).toString('hex') };
}

/** Gives the name of a key's owner, or undefined for an unknown key. */
export function keyRing(keys: ServingConfig['keys']): (given: string) => string | undefined {
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
