/** Selection: from a finished run to an artifact of smaller graphs, proven to answer like the model. */

import type { SplitName } from '../../config/dataset.ts';
import { type Evaluation, evaluationSchema } from '../../config/run.ts';
import type { PreparedData } from '../../data/prepared/prepared.ts';
import type { SelectionRecord } from '../../documents/selection.ts';
import { numberOf } from '../../evaluate/index.ts';
import { servingTensors } from '../../inference/graphs/serving.ts';
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
import { compareGraphs, type Graphs, type Proof } from './proof.ts';
import { provenGraphs } from './prove.ts';
import { rewriter } from './selected.ts';
import { type Decisions, decide, measureSwitches, type SwitchCounts, switchesOf } from './switches.ts';
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

export interface Selection {
  kind: 'exact' | 'lossy';
  epsilon: number;
  int8: boolean;
  graphs: Graphs;
  /** Counts of ones among the measured rows, and the decisions. */
  counts: SwitchCounts;
  decisions: Decisions;
  /** On validation rows (measured) and test rows (not measured). */
  proof: Proof;
  unseen: Proof;
  /** [S] milliseconds per 100 rows, measured by `timeProven`. */
  latency: ({ before: number; after: number } | null)[];
}

/**
 * Selects, proves and writes the smaller graphs. Writes nothing without the proof. Graphs run on one thread, because they are timed.
 *
 * @throws ARTIFACT_EXISTS, MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE; errors of openFinished, planArtifact and selectGraphs
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
 * @throws SELECT_DIFFERS if exact graphs differ from the model, SELECT_OVER_BUDGET if lossy ones lose too much,
 *   SELECT_INT8_USELESS if eight bits are not faster
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

  const proven = await provenGraphs(rewriter(trained, tensors, decisions, !distilled), compare, executors, {
    budget,
    int8,
    distilled,
    onStep,
  });
  const unseen = await compare(proven.graphs, 'test');
  onStep('timing');
  const latency = await timeProven(proven, executors, data);
  const kind = distilled || int8 ? 'lossy' : 'exact';
  return { kind, epsilon, int8, graphs: proven.graphs, counts, decisions, proof: proven.proof, unseen, latency };
}

/** The selection entry of an artifact's manifest. */
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
