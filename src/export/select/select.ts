/** Selection: smaller graphs that are proven to answer like the model. */

import type { SplitName } from '../../config/dataset.ts';
import { type Evaluation, evaluationSchema } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { SelectionRecord } from '../../documents/selection.ts';
import { numberOf } from '../../evaluate/index.ts';
import type { ServingModel } from '../../inference/serving/serving-model.ts';
import type { StepEvent } from '../events.ts';
import { type Proof, proveGraphs } from './prove.ts';
import { type Graphs, rewriter } from './rewrite.ts';
import { decide, measureSwitches, switchesOf } from './switches.ts';
import { timeProven } from './timing.ts';

/** Splits that decide what is constant. Test rows are left out, to measure what holds for unseen rows. */
const MEASURED: readonly SplitName[] = ['train', 'validation'];

export interface SelectOptions {
  /** Rates below epsilon count as 0, rates above 1 - epsilon as 1. Default 0: only what holds for every measured row. */
  epsilon?: number;
  /** Max loss of mean AUC on validation rows for lossy graphs. Default 0.0005. */
  budget?: number;
  /** Cells of that mean. Default: those with at least 10 positives and 10 negatives. */
  evaluation?: Evaluation;
  /** Store large weights in eight bits. Default false. */
  int8?: boolean;
  onEvent?: (event: StepEvent) => void;
}

/** What was decided and compared, with the graphs. */
export interface Selection extends SelectionRecord {
  graphs: Graphs;
  /** On validation rows (measured) and test rows (not measured). */
  proof: Proof;
  unseen: Proof;
}

/**
 * Decides what is constant, rewrites the graphs and proves them.
 *
 * @throws SELECT_DIFFERS if exact graphs differ from the model, SELECT_OVER_BUDGET if lossy ones lose too much,
 *   SELECT_INT8_USELESS if eight bits are not faster
 */
export async function selectGraphs(
  serving: ServingModel,
  data: PreparedData,
  {
    epsilon = 0,
    budget = 0.0005,
    int8 = false,
    evaluation = evaluationSchema.parse({}),
    onEvent = () => {},
  }: SelectOptions = {},
): Promise<Selection> {
  const onStep = (step: string): void => onEvent({ event: 'step', step });
  const switches = switchesOf(serving.tensors);
  const splits = switches.length === 0 ? [] : MEASURED;
  const counts = await measureSwitches(serving, switches, data, splits, onStep);
  const decisions = decide(counts, epsilon);
  const distilled = JSON.stringify(decisions) !== JSON.stringify(decide(counts));

  const rewrite = rewriter(serving, switches, decisions, !distilled);
  const proven = await proveGraphs(serving, data, rewrite, { budget, int8, distilled, evaluation, onStep });
  onStep('timing');
  const { graphs, proof, unseen } = proven;
  return {
    kind: distilled || int8 ? 'lossy' : 'exact',
    epsilon,
    int8,
    measured: { splits: [...splits], rows: counts.rows },
    decisions,
    compared: [proof, unseen].map(({ split, rows, differing, largest, before, after }) => ({
      split,
      rows,
      differing,
      largest,
      auc: { before: numberOf(before.macro.auc), after: numberOf(after.macro.auc) },
    })),
    latency: await timeProven(serving, data, proven),
    graphs,
    proof,
    unseen,
  };
}
