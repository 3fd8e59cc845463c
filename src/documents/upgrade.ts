/** What older versions wrote, in the form of today. Schemas know the form of today alone. */
import { isRecord } from '../base/json.ts';

/**
 * Lines of metrics.jsonl before version 0.2 have no `version`, and their grids no NDCG, no MAP and no rule of means: all cells
 * counted equally.
 */
export function upgradeMetricsLine(line: unknown): unknown {
  if (!isRecord(line)) return line;
  const { version = 1, validation, test, ...rest } = line;
  return {
    ...rest,
    version,
    ...(validation !== undefined && { validation: upgradeGrid(validation) }),
    ...(test !== undefined && { test: upgradeGrid(test) }),
  };
}

function upgradeGrid(grid: unknown): unknown {
  if (!isRecord(grid) || !Array.isArray(grid.cells) || !isRecord(grid.macro) || 'means' in grid) return grid;
  const lists = { ndcg: null, map: null };
  const all = { minPositives: 0, minNegatives: 0, weights: 'equal', fallback: false };
  const { length } = grid.cells;
  return {
    k: 10,
    means: { ...all, cells: length, of: length },
    ...grid,
    macro: { ...lists, ...grid.macro },
    cells: grid.cells.map((cell) => (isRecord(cell) ? { ...lists, ...cell } : cell)),
  };
}

/** Times of comparisons before version 0.2 have no `schema`; nor have results, which have `version` in its place. */
export const upgradeNamed =
  (schema: string) =>
  (document: unknown): unknown =>
    isRecord(document) && !('schema' in document) ? { schema, ...document } : document;
