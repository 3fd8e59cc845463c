/** Folds the graphs until they are proven to answer like the model, or refuses them. */
import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { type Grid, numberOf } from '../../evaluate/index.ts';
import type { Executors } from '../../inference/serving/executors.ts';
import { type Graphs, type Proof, SAME } from './proof.ts';
import type { Folding } from './selected.ts';

export interface Proven {
  graphs: Graphs;
  /** The proof on validation rows. */
  proof: Proof;
  /** If weights are stored in eight bits: the graphs without. */
  plain?: Graphs;
}

interface ProvingOptions {
  /** Max loss of mean AUC on validation rows for lossy graphs. */
  budget: number;
  int8: boolean;
  /** Do decisions change answers? */
  distilled: boolean;
  onStep: (step: string) => void;
}

/** Folds the graphs until they are proven: first fully, then without merging products if rounding differs, then in eight bits. */
export async function provenGraphs(
  rewrite: (how: Folding) => Graphs,
  compare: (graphs: Graphs, split: SplitName) => Promise<Proof>,
  executors: Executors,
  { budget, int8, distilled, onStep }: ProvingOptions,
): Promise<Proven> {
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
      await executors.keep([graphs.before]);
      continue;
    }
    if (!how.int8) checkSame(worst, proof);
    if (distilled || how.int8) checkBudget(proof, budget);
    if (how.int8 || !int8) return { graphs, proof, ...(plain && { plain }) };
    onStep('rounding large weights to eight bits');
    how = { ...how, int8 };
    plain = graphs;
    await executors.keep([graphs.before, ...graphs.scenarios]);
  }
}

/**
 * Is the difference too large, but small enough to be rounding? A model with large sums that cancel differs as much from its values in
 * float64.
 */
const isRounding = (worst: number): boolean => worst > SAME && worst < 100 * SAME;

/** The difference that must be 0: from the model, or, if that may differ, between the scenarios' graphs and the joint one. */
const worstOf = (distilled: boolean, { largest, largestJoint }: Proof): number =>
  distilled ? largestJoint : Math.max(largest, largestJoint);

/** Loss of mean AUC; 0 if no cell has an AUC. */
export const lossOf = ({ before, after }: Proof): number => meanAuc(before) - meanAuc(after);

const meanAuc = ({ macro }: Grid): number => numberOf(macro.auc) ?? 0;

function checkSame(worst: number, { rows, differing }: Proof): void {
  if (!(worst <= SAME)) throw error('SELECT_DIFFERS', { rows, differing, largest: worst, allowed: SAME });
}

function checkBudget(proof: Proof, budget: number): void {
  const loss = lossOf(proof);
  if (!(loss <= budget)) throw error('SELECT_OVER_BUDGET', { loss, budget, lost: lossesOf(proof) });
}

/** Loss of AUC per cell; leaves out cells without an AUC. */
export const lossesOf = ({ before, after }: Proof): { scenario: string; task: string; loss: number }[] =>
  before.cells.flatMap(({ scenario, task, auc }, i) => {
    const [was, is] = [numberOf(auc), numberOf(after.cells[i].auc)];
    return was === null || is === null ? [] : [{ scenario, task, loss: was - is }];
  });
