/** Statistics of the training data, stored in an artifact to compare live traffic with. */

import { OUT_OF_VOCABULARY_ID } from '../data/encode/ids.ts';
import { frequentIds } from '../data/prepared/count-ids.ts';
import type { PreparedData } from '../data/prepared/prepared.ts';
import type { ArtifactStatistics, CellStatistics, FieldStatistics } from '../store/artifact/statistics.ts';
import type { Calibrated } from './calibrate/calibrate.ts';

/** Max number of individually counted ids of a field. */
const MOST_IDS = 20;
const BUCKETS = 10;

/** Counts the ids of all training rows, and describes the calibrated probabilities of the validation rows. */
export async function artifactStatistics(data: PreparedData, calibrated: Calibrated): Promise<ArtifactStatistics> {
  const { fields, scenarios, tasks, tableRows } = data.manifest;
  const ofIds = new Float64Array(tableRows);
  const ofScenarios = new Float64Array(scenarios.length);
  let rows = 0;
  for await (const { size, ids, scenario } of data.batches('train')) {
    for (const id of ids) ofIds[id]++;
    for (let row = 0; row < size; row++) ofScenarios[scenario[row]]++;
    rows += size;
  }
  return {
    version: 1,
    rows,
    scenarios: scenarios.map((name, s) => ({ name, rows: ofScenarios[s] })),
    fields: fields.map(({ name, offset, size }) => fieldStatistics(name, ofIds.subarray(offset, offset + size))),
    cells: scenarios.flatMap((scenario, s) =>
      tasks.map((task, t) => {
        const { rows: labelled, positives } = calibrated.cells[s][t];
        return {
          scenario,
          task,
          rows: labelled,
          positives,
          ...distribution(calibrated.probabilities[s][t], calibrated.weights[s][t]),
        };
      }),
    ),
  };
}

/** `counts` by id of the field. Padding does not count as a value. */
function fieldStatistics(name: string, counts: Float64Array): FieldStatistics {
  const values = counts.subarray(OUT_OF_VOCABULARY_ID).reduce((sum, n) => sum + n, 0);
  const share = (count: number): number => (values === 0 ? 0 : count / values);
  const ids = frequentIds(counts, MOST_IDS).filter((id) => counts[id] > 0);
  const top = ids.reduce((sum, id) => sum + counts[id], 0);
  return {
    name,
    values,
    ids,
    shares: ids.map((id) => share(counts[id])),
    outOfVocabulary: share(counts[OUT_OF_VOCABULARY_ID]),
    rest: share(values - top - counts[OUT_OF_VOCABULARY_ID]),
  };
}

/** The distribution of the probabilities of one cell, by weight: distinct deciles, and the shares between them. */
export function distribution(
  probabilities: Float64Array,
  weights: Float32Array,
): Pick<CellStatistics, 'edges' | 'shares' | 'mean'> {
  const order = Uint32Array.from(probabilities.keys()).sort((a, b) => probabilities[a] - probabilities[b]);
  const below = new Float64Array(order.length + 1); // weight of the rows before each, in that order
  order.forEach((row, i) => {
    below[i + 1] = below[i] + weights[row];
  });
  const total = below[order.length];
  if (total === 0) return { edges: [], shares: [], mean: null };
  const decile = (k: number): number => probabilities[order[below.findIndex((sum) => sum > (k * total) / BUCKETS) - 1]];
  const edges = [...new Set(Array.from({ length: BUCKETS - 1 }, (_, i) => decile(i + 1)))];
  const bounds = [0, ...edges.map((edge) => below[order.findIndex((row) => probabilities[row] >= edge)]), total];
  return {
    edges,
    shares: bounds.slice(1).map((to, i) => (to - bounds[i]) / total),
    mean: probabilities.reduce((sum, p, row) => sum + weights[row] * p, 0) / total,
  };
}
