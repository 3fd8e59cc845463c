/** The clock of a simulation: days pass in minutes, so requests bring their time with them. */
import { error } from '../base/errors/index.ts';

/** Header of a request: its time, milliseconds since 1970. A service whose clock is `requests` sends it back. */
export const CLOCK_HEADER = 'tributary-clock';

/**
 * The time that a request brings; undefined where it brings none.
 *
 * @throws CLOCK_INVALID
 */
export function requestTime(header: string | string[] | undefined): number | undefined {
  if (header === undefined) return undefined;
  const time = Number(header);
  if (!/^\d{1,16}$/.test(String(header)) || !Number.isSafeInteger(time))
    throw error('CLOCK_INVALID', { found: String(header).slice(0, 50), header: CLOCK_HEADER });
  return time;
}
