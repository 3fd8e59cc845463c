/** Days, and lengths of time as people write them. All days are UTC; all times are milliseconds since 1970. */

const MINUTE = 60_000;
export const HOUR_MS = 60 * MINUTE;
export const DAY_MS = 24 * HOUR_MS;

/** The day of a time, as 2026-11-30. */
export const dateOf = (time: number): string => new Date(time).toISOString().slice(0, 10);

/** Midnight that a day begins with. */
export const startOfDay = (date: string): number => Date.parse(`${date}T00:00:00Z`);

/** Is it a day of the calendar, as 2026-11-30? */
export const isDate = (text: string): boolean =>
  /^\d{4}-\d\d-\d\d$/.test(text) && new Date(startOfDay(text)).toJSON()?.startsWith(text) === true;

const UNITS: Record<string, number> = { s: 1000, m: MINUTE, h: HOUR_MS, d: DAY_MS };

/** 30s, 30m, 1.5h or 7d in milliseconds; undefined for other texts. */
export function durationOf(text: string): number | undefined {
  const [, amount, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? [];
  return amount === undefined ? undefined : Number(amount) * UNITS[unit];
}
