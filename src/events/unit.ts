/** Units whose values are not kept: a keyed hash stands for each. */
import { createHmac } from 'node:crypto';
import { error } from '../base/errors/index.ts';

/** HMAC-SHA-256, hexadecimal. */
export const hashUnit = (value: string, key: string): string => createHmac('sha256', key).update(value).digest('hex');

/**
 * The value of `env:NAME`.
 *
 * @param option what names it, for the message
 * @throws EVENTS_SECRET
 */
export function secretOf(named: string, option: string): string {
  const variable = named.replace(/^env:/, '');
  const value = process.env[variable];
  if (!named.startsWith('env:') || value === undefined || value === '')
    throw error('EVENTS_SECRET', { option, variable });
  return value;
}
