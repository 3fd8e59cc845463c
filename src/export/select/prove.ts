/** Folds the graphs until they are proven to answer like the model, or refuses them. */
import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import type { Evaluation } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import { type Grid, numberOf } from '../../evaluate/index.ts';
import type { ServingModel } from '../../inference/serving/serving-model.ts';
import { newGrid } from '../../train/evaluate-split.ts';
import type { Folding, Graphs } from './rewrite.ts';

/** Max difference of equal probabilities; rounding stays below it. */
const SAME = 1e-6;

/** All rows of a split, answered by the selected graphs and by the full model. */
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
  /** What the selected graphs lose: mean AUC (0 if no cell has an AUC), and AUC of each cell that has one. */
  loss: { mean: number; cells: { scenario: string; task: string; loss: number }[] };
}

export interface Proven {
  graphs: Graphs;
  /** On validation rows, which counted for the decisions, and on test rows, which did not. */
  proof: Proof;
  unseen: Proof;
  /** If weights are stored in eight bits: the graphs without. */
  plain?: Graphs;
}

export interface ProvingOptions {
  /** Max loss of mean AUC on validation rows for lossy graphs. */
  budget: number;
  int8: boolean;
  /** Do decisions change answers? */
  distilled: boolean;
  evaluation: Evaluation;
  onStep: (step: string) => void;
}

/**
 * Folds the graphs until they are proven: first fully, then without merging products if rounding differs, then in eight bits.
 *
 * @throws SELECT_DIFFERS, SELECT_OVER_BUDGET, SELECT_INT8_USELESS
 */
export async function proveGraphs(
  serving: ServingModel,
  data: PreparedData,
  rewrite: (how: Folding) => Graphs,
  { budget, int8, distilled, evaluation, onStep }: ProvingOptions,
): Promise<Proven> {
  const compare = (graphs: Graphs, split: SplitName): Promise<Proof> => {
    onStep(`comparing every answer on the ${split} rows`);
    return compareGraphs(serving, data, graphs, split, evaluation);
  };
  onStep('folding the graphs');
  let how: Folding = {};
  let plain: Graphs | undefined;
  for (;;) {
    const graphs = rewrite(how);
    if (how.int8 && graphs.scenarios.every(({ rounded }) => rounded === 0))
      throw error('SELECT_INT8_USELESS', { reason: 'no layer is large enough to gain from it' });
    const proof = await compare(graphs, 'validation');
    const worst = worstOf(distilled, proof);
    if (how.merge !== false && !how.int8 && isRounding(worst)) {
      onStep('large sums round by more than 1e-6 in another order: folding again, with every product as it was');
      how = { merge: false };
      await serving.keep([graphs.before]);
      continue;
    }
    if (!how.int8) checkSame(worst, proof);
    if (distilled || how.int8) checkBudget(proof, budget);
    if (how.int8 || !int8) return { graphs, proof, unseen: await compare(graphs, 'test'), ...(plain && { plain }) };
    onStep('rounding large weights to eight bits');
    how = { ...how, int8 };
    plain = graphs;
    await serving.keep([graphs.before, ...graphs.scenarios]);
  }
}

/** Answers every row of a split three times: by the full model, by the joint graph, and as a server would, by its scenario's graph. */
async function compareGraphs(
  serving: ServingModel,
  data: PreparedData,
  { before, joint, scenarios }: Graphs,
  split: SplitName,
  evaluation: Evaluation,
): Promise<Proof> {
  const asBefore = await serving.answering([before]);
  const asJoint = await serving.answering([joint]);
  const asSelected = await serving.answering([joint, ...scenarios]);
  const grids = [newGrid(data.manifest, evaluation), newGrid(data.manifest, evaluation)];
  const found = { rows: 0, differing: 0, largest: 0, largestJoint: 0 };
  try {
    for await (const batch of data.batches(split)) {
      const expected = await asBefore(batch);
      const together = await asJoint(batch);
      const selected = await asSelected(batch);
      for (let row = 0; row < batch.size; row++) {
        const own = selected.probabilities.map((values) => values[row]);
        const max = largestOf(own.map((p, t) => p - expected.probabilities[t][row]));
        if (!(max <= SAME)) found.differing++;
        found.largest = larger(found.largest, max);
        const jointly = largestOf(own.map((p, t) => p - together.probabilities[t][row]));
        found.largestJoint = larger(found.largestJoint, jointly);
      }
      found.rows += batch.size;
      const { size, labels, scenario, group } = batch;
      grids[0].add({ size, logits: expected.logits, labels, scenario, group });
      grids[1].add({ size, logits: selected.logits, labels, scenario, group });
    }
    const [gridBefore, gridAfter] = [await grids[0].finish(), await grids[1].finish()];
    return { split, ...found, before: gridBefore, after: gridAfter, loss: lossOf(gridBefore, gridAfter) };
  } finally {
    for (const grid of grids) grid.dispose();
  }
}

/** NaN counts as an infinite difference. */
const larger = (a: number, b: number): number => (Number.isNaN(b) ? Number.POSITIVE_INFINITY : Math.max(a, b));

const largestOf = (differences: readonly number[]): number => differences.map(Math.abs).reduce(larger, 0);

const lossOf = (before: Grid, after: Grid): Proof['loss'] => ({
  mean: meanAuc(before) - meanAuc(after),
  cells: before.cells.flatMap(({ scenario, task, auc }, i) => {
    const [was, is] = [numberOf(auc), numberOf(after.cells[i].auc)];
    return was === null || is === null ? [] : [{ scenario, task, loss: was - is }];
  }),
});

const meanAuc = ({ macro }: Grid): number => numberOf(macro.auc) ?? 0;

/**
 * Is the difference too large, but small enough to be rounding? A model with large sums that cancel differs as much from its values in
 * float64.
 */
const isRounding = (worst: number): boolean => worst > SAME && worst < 100 * SAME;

/** The difference that must be 0: from the model, or, if that may differ, between the scenarios' graphs and the joint one. */
const worstOf = (distilled: boolean, { largest, largestJoint }: Proof): number =>
  distilled ? largestJoint : Math.max(largest, largestJoint);

function checkSame(worst: number, { rows, differing }: Proof): void {
  if (!(worst <= SAME)) throw error('SELECT_DIFFERS', { rows, differing, largest: worst, allowed: SAME });
}

function checkBudget({ loss: { mean, cells } }: Proof, budget: number): void {
  if (!(mean <= budget)) throw error('SELECT_OVER_BUDGET', { loss: mean, budget, lost: cells });
}
