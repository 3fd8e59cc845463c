import { EXIT, entry } from './entry.ts';

export const DATA_ERRORS = {
  DATA_COLUMN_MISSING: entry(
    EXIT.data,
    400,
    (d: { wanted: string; usedBy: string; available: string[] }) =>
      `column "${d.wanted}" (used by ${d.usedBy}) is not in the data. Columns there: ${d.available.join(', ')}`,
  ),
} as const;
