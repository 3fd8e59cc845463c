/** Compares the selected graphs with the full model on every row of a split. */
import type { SplitName } from '../../config/dataset.ts';
import type { Evaluation } from '../../config/run.ts';
import { batchesOf } from '../../data/prepared/batches.ts';
import { rowsOfScenario } from '../../data/prepared/pick.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { Grid } from '../../evaluate/index.ts';
import { answersOf } from '../../inference/executor.ts';
import type { ServingGraph } from '../../inference/graphs/serving.ts';
import type { Executors } from '../../inference/serving/executors.ts';
import { newGrid } from '../../train/evaluate-split.ts';

/** Max difference of equal probabilities; rounding stays below it. */
export const SAME = 1e-6;

export interface Graphs {
  /** The full model. */
  before: ServingGraph;
  joint: ServingGraph;
  /** One for each scenario. */
  scenarios: ServingGraph[];
}

export interface Proof {
  split: SplitName;
  rows: number;
  /** Rows for which a probability of the scenario's graph differs from the model's by more than `SAME`. */
  differing: number;
  /** Largest difference of a probability: of the scenarios' graphs from the model, and of the joint graph from these. */
  largest: number;
  largestJoint: number;
  before: Grid;
  after: Grid;
}

/** Runs all graphs over a split. `evaluation`: the metric options. */
export async function compareGraphs(
  { before, joint, scenarios }: Graphs,
  executors: Executors,
  data: PreparedData,
  split: SplitName,
  evaluation: Evaluation,
): Promise<Proof> {
  const { tasks } = data.manifest;
  const [asBefore, asJoint, ...own] = await Promise.all(
    [before, joint, ...scenarios].map((graph) => executors.of(graph)),
  );
  const grids = [newGrid(data.manifest, evaluation), newGrid(data.manifest, evaluation)];
  const found = { rows: 0, differing: 0, largest: 0, largestJoint: 0 };
  try {
    for await (const batch of batchesOf(data, split)) {
      const expected = answersOf(await asBefore.run(batch), tasks);
      const together = answersOf(await asJoint.run(batch), tasks);
      const selected = new Float32Array(batch.size * tasks.length); // logits
      for (const [s, executor] of own.entries()) {
        const rows = rowsOfScenario(batch, s);
        if (rows.size === 0) continue;
        const answers = answersOf(await executor.run(rows), tasks);
        rows.places.forEach((place, i) => {
          tasks.forEach((_, t) => {
            selected[place * tasks.length + t] = answers.logits[i * tasks.length + t];
          });
          const differences = answers.probabilities.map((own, t) => own[i] - expected.probabilities[t][place]);
          const jointly = answers.probabilities.map((own, t) => own[i] - together.probabilities[t][place]);
          const max = largestOf(differences);
          if (!(max <= SAME)) found.differing++;
          found.largest = larger(found.largest, max);
          found.largestJoint = larger(found.largestJoint, largestOf(jointly));
        });
      }
      found.rows += batch.size;
      const { size, labels, scenario, group } = batch;
      grids[0].add({ size, logits: expected.logits, labels, scenario, group });
      grids[1].add({ size, logits: selected, labels, scenario, group });
    }
    const [gridBefore, gridAfter] = [await grids[0].finish(), await grids[1].finish()];
    return { split, ...found, before: gridBefore, after: gridAfter };
  } finally {
    for (const grid of grids) grid.dispose();
  }
}

/** NaN counts as an infinite difference. */
const larger = (a: number, b: number): number => (Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b));

const largestOf = (differences: readonly number[]): number => differences.map(Math.abs).reduce(larger, 0);
