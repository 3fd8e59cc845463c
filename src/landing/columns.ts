/** Which columns of a query land. */
import { error } from '../base/errors/index.ts';

/** Throws LANDING_COLUMNS where two have one name: letter case does not count. */
export function checkColumns(source: string, names: readonly string[]): void {
  const seen = new Set<string>();
  const twice = names.find((name) => seen.size === seen.add(name.toLowerCase()).size);
  if (twice !== undefined) throw error('LANDING_COLUMNS', { source, column: twice, columns: [...names] });
}

/** The first one lands where none is needed: it says how many rows there are. */
export function keptColumns(
  names: readonly string[],
  isNeeded: (column: string) => boolean,
): { kept: string[]; leftOut: string[] } {
  const needed = names.filter(isNeeded);
  const kept = needed.length === 0 ? names.slice(0, 1) : needed;
  return { kept, leftOut: names.filter((name) => !kept.includes(name)) };
}
