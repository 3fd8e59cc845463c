/** Selection: from a finished run to an artifact of smaller graphs, with the proof that they answer as the model does. */

import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import { type Evaluation, evaluationSchema } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { SelectionRecord } from '../../documents/selection.ts';
import { type Grid, numberOf } from '../../evaluate/index.ts';
import { compileServing, type ServingTensors, servingTensors } from '../../inference/graphs/serving.ts';
import { openFinished } from '../../inference/model/finished.ts';
import type { TrainedModel } from '../../inference/model/trained.ts';
import { createExecutors, type Executors } from '../../inference/serving/executors.ts';
import { checkPlace } from '../../store/artifact/write.ts';
import { evaluationOf } from '../../train/evaluate-split.ts';
import { writeGraphs } from '../artifact.ts';
import { calibrateGraphs } from '../calibrate/calibrate.ts';
import type { StepEvent } from '../events.ts';
import type { Exported, ExportOptions } from '../export.ts';
import { planArtifact } from '../plan.ts';
import { compareGraphs, type Graphs, type Proof, SAME } from './proof.ts';
import { type Folding, jointGraph, scenarioGraph } from './selected.ts';
import { type Decisions, decide, measureSwitches, type SwitchCounts, switchesOf } from './switches.ts';
import { timeGraphs } from './timing.ts';

/** Rows that decide what is constant. Test rows are left out, so that they can tell what holds for unseen rows. */
const MEASURED: readonly SplitName[] = ['train', 'validation'];

export interface SelectOptions {
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
 * Selects, and writes what was selected. Nothing is written unless it was proven. Graphs run on one thread, on which they are timed.
 *
 * @throws ARTIFACT_EXISTS, MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE; what openFinished, planArtifact and selectGraphs throw
 */
export async function selectRun(
  run: string,
  options: Omit<SelectOptions, 'onEvent'> & Omit<ExportOptions, 'threads'>,
): Promise<{ selection: Selection; exported: Exported }> {
  const { out, backend, onEvent } = options;
  checkPlace(out);
  const opened = await openFinished(run, options);
  const { trained, data, record } = opened;
  const plan = planArtifact(opened, options);
  const executors = createExecutors(trained, { backend, threads: 1 });
  try {
    const selection = await selectGraphs(trained, data, executors, { evaluation: evaluationOf(record), ...options });
    const graphs = [selection.graphs.joint, ...selection.graphs.scenarios];
    const calibrated = await calibrateGraphs(data, graphs, executors, options);
    const parts = { run: opened, plan, graphs, calibrated, selection: selectionRecord(selection) };
    const manifest = await writeGraphs(out, parts, onEvent);
    return { selection, exported: { manifest, cells: calibrated.cells } };
  } finally {
    await executors.keep([]);
  }
}

/**
 * Decides what is constant, rewrites the graphs and proves them.
 *
 * @throws SELECT_DIFFERS where exact graphs are not equal to the model, SELECT_OVER_BUDGET where lossy ones lose too much,
 *   SELECT_INT8_USELESS where eight bits make nothing faster
 */
export async function selectGraphs(
  trained: TrainedModel,
  data: PreparedData,
  executors: Executors,
  {
    epsilon = 0,
    budget = 0.0005,
    int8 = false,
    evaluation = evaluationSchema.parse({}),
    onEvent = () => {},
  }: SelectOptions = {},
): Promise<Selection> {
  const onStep = (step: string): void => onEvent({ event: 'step', step });
  const tensors = servingTensors(trained);
  const switches = switchesOf(tensors);
  const counts =
    switches.length === 0
      ? { rows: trained.data.scenarios.map(() => 0), ones: {} }
      : await measureSwitches(trained, switches, data, MEASURED, executors, onStep);
  const decisions = decide(counts, epsilon);
  const distilled = JSON.stringify(decisions) !== JSON.stringify(decide(counts));
  const compare = (graphs: Graphs, split: SplitName): Promise<Proof> => {
    onStep(`comparing every answer on the ${split} rows`);
    return compareGraphs(graphs, executors, data, split, evaluation);
  };

  const proven = await provenGraphs(graphsOf(trained, tensors, decisions, !distilled), compare, executors, {
    budget,
    int8,
    distilled,
    onStep,
  });
  const unseen = await compare(proven.graphs, 'test');
  onStep('timing');
  const latency = await timed(proven, executors, data);
  const kind = distilled || int8 ? 'lossy' : 'exact';
  return { kind, epsilon, int8, graphs: proven.graphs, counts, decisions, proof: proven.proof, unseen, latency };
}

/** All graphs, in a way of folding. The model as it is stays the same in all ways. */
function graphsOf(
  trained: TrainedModel,
  tensors: ServingTensors,
  decisions: Decisions,
  exact: boolean,
): (how: Folding) => Graphs {
  const before = compileServing(trained, tensors.outputs);
  return (how) => ({
    before,
    joint: jointGraph(trained, tensors, decisions, exact, how),
    scenarios: trained.data.scenarios.map((_, s) => scenarioGraph(trained, tensors, decisions, s, how)),
  });
}

interface Proven {
  graphs: Graphs;
  /** On validation rows. */
  proof: Proof;
  /** Where weights are stored in eight bits: the graphs without. */
  plain?: Graphs;
}

/** Folds the graphs until they are proven: as far as possible, with every product as it was where sums round, then in eight bits. */
async function provenGraphs(
  rewrite: (how: Folding) => Graphs,
  compare: (graphs: Graphs, split: SplitName) => Promise<Proof>,
  executors: Executors,
  {
    budget,
    int8,
    distilled,
    onStep,
  }: Required<Pick<SelectOptions, 'budget' | 'int8'>> & { distilled: boolean; onStep: (step: string) => void },
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
 * Are answers off by more than may be, and by so little that it is rounding? A model with sums of large numbers that cancel is
 * itself off by as much from its values in float64.
 */
const isRounding = (worst: number): boolean => worst > SAME && worst < 100 * SAME;

/** The difference that must be none: to the model, or where that may differ, between the graphs of scenarios and of all. */
const worstOf = (distilled: boolean, { largest, largestJoint }: Proof): number =>
  distilled ? largestJoint : Math.max(largest, largestJoint);

/** Eight bits must pay: they are timed against the same graphs without them. */
async function timed(
  { graphs: { before, scenarios }, plain }: Proven,
  executors: Executors,
  data: PreparedData,
): Promise<Selection['latency']> {
  const compared = scenarios.map((own, s) => [before, own, ...(plain === undefined ? [] : [plain.scenarios[s]])]);
  const times = await timeGraphs(compared, executors, data);
  const slower = times.find((own) => own !== null && plain !== undefined && own[1] >= own[2]);
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
