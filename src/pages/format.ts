/** How pages write numbers. Tests read the pages with the same functions. */
import { count, duration, metricText, signed } from '../report/numbers.ts';

export const FORMATS = {
  /** Four digits. */
  metric: metricText,
  /** A difference of metrics, with its sign. */
  signed,
  count,
  /** Of a share, one digit; nothing is rounded to none or all. */
  percent: percentText,
  /** Of seconds. */
  duration,
  milliseconds: (value: number) => `${value.toFixed(3)} ms`,
  bytes: bytesText,
  /** Of a test. */
  p: (value: number) => (value < 0.0001 ? '< 0.0001' : value.toFixed(4)),
  /** Two digits. */
  strength: (value: number) => value.toFixed(2),
  /** Four significant digits. */
  number: (value: number) => String(Number(value.toPrecision(4))),
} as const satisfies Record<string, (value: number) => string>;

export type Format = keyof typeof FORMATS;

/** A number, or a dash where it is undefined. */
export const formatted = (value: number | null, format: Format): string =>
  value === null ? '–' : FORMATS[format](value);

function percentText(share: number): string {
  const text = (100 * share).toFixed(1);
  if (share > 0 && text === '0.0') return '< 0.1 %';
  if (share < 1 && text === '100.0') return '> 99.9 %';
  return `${Number(text)} %`;
}

function bytesText(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB'];
  let unit = 0;
  let value = bytes;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}
