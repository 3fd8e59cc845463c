/** Claims of a fixture's JSON file about selected experts: outputs such as `<layer>.selection_count`. */

import { EXACT } from '../tolerance.ts';
import type { ModelCase } from './model-case.ts';

type Outputs = ReadonlyMap<string, Float32Array>;

/** Claims of selections; the numbers are computed from our outputs. */
export function checkSelection({ fixture, claims, checks, tolerance }: ModelCase, found: Outputs): void {
  const rows = fixture.tensor('input.scenario').shape[0];
  for (const [name, expected] of Object.entries(claims.selection_count_histogram_0_1_2 ?? {})) {
    const histogram = [0, 1, 2].map((times) => (found.get(name) ?? []).filter((count) => count === times).length);
    checks.close(`selection_count_histogram_0_1_2 ${name}`, histogram, expected, EXACT);
  }
  for (const [layer, expected] of Object.entries(claims.rows_where_an_unselected_expert_wins ?? {}))
    checks.number(`rows_where_an_unselected_expert_wins ${layer}`, unselectedWinners(found, layer, rows), expected);
  const { smallest_selection_margin: margin } = claims;
  if (margin !== undefined)
    checks.number('smallest_selection_margin', smallestMargin(found, rows), margin, tolerance('output'));
}

/** `noise_std`, of the fixture's noise tensors: the standard deviation of a sample may differ by five standard errors. */
export function checkNoise({ fixture, checks, subject }: ModelCase): void {
  const { noise_std: expected } = subject.reference.config;
  if (typeof expected !== 'number') return;
  const noise = fixture.names('input.noise.').flatMap((name) => [...fixture.floats(name)]);
  const rtol = noise.length === 0 ? 0 : 5 / Math.sqrt(2 * noise.length);
  checks.number('noise_std', deviation(noise), expected, { rtol, atol: 0 });
}

/** Standard deviation; 0 without values. */
function deviation(numbers: readonly number[]): number {
  const mean = numbers.reduce((sum, x) => sum + x, 0) / numbers.length;
  const squares = numbers.reduce((sum, x) => sum + (x - mean) ** 2, 0);
  return Math.sqrt(squares / Math.max(numbers.length, 1));
}

/** Rows whose largest mixture weight belongs to an expert that was not selected. */
function unselectedWinners(found: Outputs, layer: string, rows: number): number {
  const weights = rowsOf(found.get(`${layer}.mix_weights`), rows);
  const counts = rowsOf(found.get(`${layer}.selection_count`), rows);
  return weights.filter((row, i) => counts[i][row.indexOf(Math.max(...row))] === 0).length;
}

/** Over all layers, rows and both measures: the distance of the worst selected expert from the best other one. */
function smallestMargin(found: Outputs, rows: number): number {
  const margins = [...found.keys()].flatMap((name) => {
    const [, layer, measure] = /^(.+)\.(specific|shared)_index$/.exec(name) ?? [];
    if (layer === undefined) return [];
    const selected = rowsOf(found.get(name), rows)[0].length;
    return rowsOf(found.get(`${layer}.kl_${measure}`), rows).map((row) => {
      const rising = row.sort((a, b) => a - b);
      return selected < rising.length ? rising[selected] - rising[selected - 1] : Number.POSITIVE_INFINITY;
    });
  });
  return Math.min(...margins);
}

/** The rows of a [B, n] output; none where it is missing. */
function rowsOf(numbers: Float32Array = new Float32Array(), rows: number): number[][] {
  const width = numbers.length / rows;
  return Array.from({ length: width === 0 ? 0 : rows }, (_, row) => [
    ...numbers.subarray(row * width, (row + 1) * width),
  ]);
}
