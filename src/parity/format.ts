/** Parity rows as text. */
import type { ParityRow } from './run.ts';

/** Errors in units of their tolerance: three digits, or `inf` if an exact value differs. */
function worstText({ checks, worst }: ParityRow): string {
  if (checks === 0) return '-';
  return Number.isFinite(worst) ? worst.toPrecision(3) : 'inf';
}

/** One line: status, name, number of checks, worst error divided by its tolerance, and its position. */
export const formatRow = (row: ParityRow): string =>
  [
    row.status,
    row.fixture.padEnd(31),
    `${String(row.checks).padStart(4)} checks`,
    `worst ${worstText(row).padStart(9)}`,
    row.reason ?? (row.where === '' ? 'exact' : row.where),
    ...(row.note === undefined ? [] : [`(${row.note})`]),
  ].join('  ');

export function formatSummary(rows: readonly ParityRow[]): string {
  const failing = rows.filter(({ status }) => status === 'fail');
  const passed = `${rows.length - failing.length} of ${rows.length} fixtures agree`;
  return failing.length === 0 ? passed : `${passed}; not: ${failing.map(({ fixture }) => fixture).join(', ')}`;
}
