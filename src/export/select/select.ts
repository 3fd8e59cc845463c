/** Selection: from a finished run to smaller graphs, with the proof that they answer as the model does. */

import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { type Evaluation, evaluationSchema } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { SelectionRecord } from '../../documents/selection.ts';
import { type Grid, numberOf } from '../../evaluate/index.ts';
import { type ServingTensors, servingGraph, servingTensors } from '../../inference/graphs/serving.ts';
import type { TrainedModel } from '../../inference/model/trained.ts';
import type { SessionOptions } from '../../runtime/contract.ts';
import type { StepEvent } from '../events.ts';
import { measureSwitches } from './measure.ts';
import { compareGraphs, type Graphs, type Proof, SAME, timeGraphs } from './proof.ts';
import { type Folding, jointGraph, scenarioGraph } from './selected.ts';
import { type Decisions, decide, type SwitchCounts, switchesOf, together } from './switches.ts';

/** Rows that decide what is constant. Test rows are left out, so that they can tell what holds for unseen rows. */
const MEASURED: readonly SplitName[] = ['train', 'validation'];

export interface SelectOptions extends Pick<SessionOptions, 'backend'> {
  /** Rates below it count as never, rates above 1 - epsilon as always. Default 0: only what holds for every measured row. */
  epsilon?: number;
  /** Mean AUC on validation rows that lossy graphs may lose. Default 0.0005. */
  budget?: number;
  /** Which cells that mean is over. Default: those with 10 positives and 10 negatives. */
  evaluation?: Evaluation;
  /** Store large weights in eight bits. Default false. */
  int8?: boolean;
  onEvent?: (event: StepEvent) => void;
}

export interface Selection {
  kind: 'exact' | 'lossy';
  epsilon: number;
  int8: boolean;
  graphs: Graphs;
  /** Ones among the measured rows, and what follows from them. */
  counts: SwitchCounts;
  decisions: Decisions;
  /** On validation rows, which were measured, and on test rows, which were not. */
  proof: Proof;
  unseen: Proof;
  /** [S] milliseconds of 100 rows, as `timeGraphs` measures them. */
  latency: ({ before: number; after: number } | null)[];
}

/**
 * @throws SELECT_DIFFERS where exact graphs are not equal to the model, SELECT_OVER_BUDGET where lossy ones lose too much,
 *   SELECT_INT8_USELESS where eight bits make nothing faster
 */
export async function selectGraphs(
  served: TrainedModel,
  data: PreparedData,
  { epsilon = 0, budget = 0.0005, int8 = false, evaluation: given, onEvent = () => {}, ...session }: SelectOptions = {},
): Promise<Selection> {
  const onStep = (step: string): void => onEvent({ event: 'step', step });
  const evaluation = given ?? evaluationSchema.parse({});
  const tensors = servingTensors(served);
  const counts = await measured(served, tensors, data, session, onStep);
  const decisions = decide(counts, epsilon);
  const distilled = JSON.stringify(decisions) !== JSON.stringify(decide(counts));
  const compare = async (graphs: Graphs, split: SplitName): Promise<Proof> => {
    onStep(`comparing every answer on the ${split} rows`);
    return compareGraphs(served, graphs, data, split, { ...session, evaluation });
  };

  onStep('folding the graphs');
  const build = (how: Folding): Graphs => graphsOf(served, tensors, decisions, !distilled, how);
  let plain = build({});
  let proof = await compare(plain, 'validation');
  const merge = !isRounding(worstOf(distilled, proof));
  if (!merge) {
    onStep('large sums round by more than 1e-6 in another order: folding again, with every product as it was');
    plain = build({ merge });
    proof = await compare(plain, 'validation');
  }
  let graphs = plain;
  checkSame(worstOf(distilled, proof), proof);
  if (distilled) checkBudget(proof, budget);
  if (int8) {
    onStep('rounding large weights to eight bits');
    graphs = build({ merge, int8 });
    if (graphs.scenarios.every(({ rounded }) => rounded === 0))
      throw error('SELECT_INT8_USELESS', { reason: 'no layer is large enough to gain from it' });
    proof = await compare(graphs, 'validation');
    checkBudget(proof, budget);
  }
  const unseen = await compare(graphs, 'test');
  onStep('timing');
  const latency = await timed(served, graphs, plain, data, session);
  const kind = distilled || int8 ? 'lossy' : 'exact';
  return { kind, epsilon, int8, graphs, counts, decisions, proof, unseen, latency };
}

async function measured(
  served: TrainedModel,
  tensors: ServingTensors,
  data: PreparedData,
  session: SessionOptions,
  onStep: (what: string) => void,
): Promise<SwitchCounts> {
  const switches = switchesOf(tensors);
  if (switches.length === 0) return { rows: served.data.scenarios.map(() => 0), ones: {} };
  const parts: SwitchCounts[] = [];
  for (const split of MEASURED) {
    onStep(`measuring on the ${split} rows`);
    parts.push(await measureSwitches(served, switches, data, split, session));
  }
  return together(parts);
}

const graphsOf = (
  served: TrainedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  exact: boolean,
  how: Folding,
): Graphs => ({
  before: servingGraph(served),
  joint: jointGraph(served, tensors, decisions, exact, how),
  scenarios: served.data.scenarios.map((_, s) => scenarioGraph(served, tensors, decisions, s, how)),
});

/**
 * Are answers off by more than may be, and by so little that it is rounding? A model with sums of large numbers that cancel is
 * itself off by as much from its values in float64.
 */
const isRounding = (worst: number): boolean => worst > SAME && worst < 100 * SAME;

/** The difference that must be none: to the model, or where that may differ, between the graphs of scenarios and of all. */
const worstOf = (distilled: boolean, { largest, largestJoint }: Proof): number =>
  distilled ? largestJoint : Math.max(largest, largestJoint);

/** Eight bits must pay: they are timed against the same graphs without them. */
async function timed(
  served: TrainedModel,
  { before, scenarios }: Graphs,
  plain: Graphs,
  data: PreparedData,
  session: SessionOptions,
): Promise<Selection['latency']> {
  const rounded = scenarios !== plain.scenarios;
  const compared = scenarios.map((own, s) => [before, own, ...(rounded ? [plain.scenarios[s]] : [])]);
  const times = await timeGraphs(served, compared, data, session);
  const slower = times.find((own) => own !== null && rounded && own[1] >= own[2]);
  if (slower)
    throw error('SELECT_INT8_USELESS', {
      reason: `100 rows take ${slower[1].toFixed(3)} ms, and ${slower[2].toFixed(3)} ms without them`,
    });
  return times.map((own) => own && { before: own[0], after: own[1] });
}

/** Mean AUC that is lost; 0 where no cell has an AUC: then none can be lost. */
export const lossOf = ({ before, after }: Proof): number => meanAuc(before) - meanAuc(after);

const meanAuc = ({ macro }: Grid): number => numberOf(macro.auc) ?? 0;

function checkSame(worst: number, { rows, differing }: Proof): void {
  if (!(worst <= SAME)) throw error('SELECT_DIFFERS', { rows, differing, largest: worst, allowed: SAME });
}

function checkBudget(proof: Proof, budget: number): void {
  const loss = lossOf(proof);
  if (!(loss <= budget)) throw error('SELECT_OVER_BUDGET', { loss, budget, lost: lossesOf(proof) });
}

/** AUC that each cell loses; cells without one are left out. */
export const lossesOf = ({ before, after }: Proof): { scenario: string; task: string; loss: number }[] =>
  before.cells.flatMap(({ scenario, task, auc }, i) => {
    const [was, is] = [numberOf(auc), numberOf(after.cells[i].auc)];
    return was === null || is === null ? [] : [{ scenario, task, loss: was - is }];
  });

/** What the manifest of an artifact says of a selection. */
export function selectionRecord(selection: Selection): SelectionRecord {
  const { kind, epsilon, int8, counts, decisions, proof, unseen, latency } = selection;
  return {
    kind,
    epsilon,
    int8,
    measured: { splits: Object.keys(counts.ones).length === 0 ? [] : [...MEASURED], rows: counts.rows },
    decisions,
    compared: [proof, unseen].map(({ split, rows, differing, largest, before, after }) => ({
      split,
      rows,
      differing,
      largest,
      auc: { before: numberOf(before.macro.auc), after: numberOf(after.macro.auc) },
    })),
    latency,
  };
}
