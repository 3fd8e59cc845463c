import fc from 'fast-check';
import { createGrid, type Grid } from '../../src/evaluate/index.ts';

/** Rows of one evaluation, T labels each. */
export interface Rows {
  scenarios: string[];
  tasks: string[];
  hasGroup: boolean;
  logits: number[][];
  labels: number[][];
  scenario: number[];
  group: number[];
}

/** Logits on a coarse grid (many ties) or anywhere in float32, saturated and infinite ones among them. */
const logit = fc.oneof(
  fc.integer({ min: -3, max: 3 }),
  fc.float({ noNaN: true }),
  fc.constantFrom(-0, 0, Infinity, -Infinity, 40, -40),
);
const label = fc.constantFrom(0, 0, 1, 1, Number.NaN);

export const rowsOf = (most: number): fc.Arbitrary<Rows> =>
  fc
    .array(
      fc.record({
        logits: fc.tuple(logit, logit),
        labels: fc.tuple(label, label),
        scenario: fc.integer({ min: 0, max: 2 }),
        group: fc.integer({ min: -1, max: 4 }),
      }),
      { maxLength: most },
    )
    .map((rows) => ({
      scenarios: ['home', 'search', 'detail'],
      tasks: ['click', 'like'],
      hasGroup: true,
      logits: rows.map((row) => row.logits),
      labels: rows.map((row) => row.labels),
      scenario: rows.map((row) => row.scenario),
      group: rows.map((row) => row.group),
    }));

/** Runs an evaluation, `batchSize` rows at a time. */
export async function evaluate(rows: Rows, options: { batchSize?: number; memoryRows?: number } = {}): Promise<Grid> {
  const { batchSize = 7, memoryRows } = options;
  const { scenarios, tasks, hasGroup } = rows;
  const grid = createGrid({ scenarios, tasks, hasGroup, memoryRows });
  for (let from = 0; from < rows.scenario.length; from += batchSize) {
    const cut = <X>(values: X[]): X[] => values.slice(from, from + batchSize);
    grid.add({
      size: cut(rows.scenario).length,
      logits: Float32Array.from(cut(rows.logits).flat()),
      labels: Float32Array.from(cut(rows.labels).flat()),
      scenario: Int32Array.from(cut(rows.scenario)),
      group: Int32Array.from(cut(rows.group)),
    });
  }
  return grid.finish();
}

/** The labelled rows of a cell, straight from the input. */
export function cellRows(rows: Rows, scenario: number, task: number) {
  return rows.scenario.flatMap((of, i) =>
    of === scenario && !Number.isNaN(rows.labels[i][task])
      ? [{ logit: Math.fround(rows.logits[i][task]), label: rows.labels[i][task], group: rows.group[i] }]
      : [],
  );
}

/** AUC by looking at every pair; undefined without both classes. */
export function pairwiseAuc(rows: { logit: number; label: number }[]): number | undefined {
  const positives = rows.filter(({ label }) => label === 1);
  const negatives = rows.filter(({ label }) => label === 0);
  let ordered = 0;
  for (const p of positives)
    for (const n of negatives) ordered += p.logit > n.logit ? 1 : p.logit === n.logit ? 0.5 : 0;
  const pairs = positives.length * negatives.length;
  return pairs === 0 ? undefined : ordered / pairs;
}
