/** Numbers as a reader sees them. */

export const count = (n: number): string => n.toLocaleString('en-US');

/** A metric: four digits, a dash where it is undefined. */
export const metricText = (value: number | null | undefined): string => value?.toFixed(4) ?? '-';

/** A difference: four digits, with its sign; what rounds to 0 has none. */
export function signed(value: number): string {
  const text = value.toFixed(4);
  if (Number(text) === 0) return text.replace('-', '');
  return value < 0 ? text : `+${text}`;
}

export const percent = (share: number): string => `${Number((100 * share).toFixed(3))} %`;

/** 75 -> "1 min 15 s". */
export function duration(seconds: number): string {
  const total = Math.round(seconds);
  if (total < 60) return seconds < 9.95 ? `${seconds.toFixed(1)} s` : `${total} s`;
  const hours = Math.floor(total / 3600);
  const minutes = Math.floor((total % 3600) / 60);
  return hours > 0 ? `${hours} h ${minutes} min` : `${minutes} min ${total % 60} s`;
}

/** An ISO time in UTC: "2026-11-03 04:05 UTC". */
export const timeText = (iso: string): string => `${iso.slice(0, 16).replace('T', ' ')} UTC`;
