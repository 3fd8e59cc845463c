/** From a finished run to an artifact: with the graph of the full model, or with selected graphs. */

import type { FittedCell } from '../documents/artifact.ts';
import { openFinished } from '../inference/model/run.ts';
import type { RunSource, WeightsEvent } from '../inference/model/trained.ts';
import { createServing } from '../inference/serving/serving-model.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { checkPlace } from '../store/artifact/write.ts';
import { evaluationOf } from '../train/evaluate-split.ts';
import { writeGraphs } from './artifact.ts';
import { type CalibrationOptions, calibrateGraphs } from './calibrate/calibrate.ts';
import type { StepEvent } from './events.ts';
import { type PlanOptions, planArtifact } from './plan.ts';
import { withoutUnreadFields } from './read-fields.ts';
import { type Selection, type SelectOptions, selectGraphs } from './select/select.ts';

export interface ExportOptions
  extends Pick<SessionOptions, 'backend' | 'threads'>,
    PlanOptions,
    CalibrationOptions,
    Omit<RunSource, 'onEvent'> {
  /** Folder to write, absent or empty. */
  out: string;
  onEvent?: (event: StepEvent | WeightsEvent) => void;
}

export interface Exported {
  manifest: ArtifactManifest;
  /** The calibrations: [S][T]. */
  cells: FittedCell[][];
}

/**
 * Writes the artifact of a run.
 *
 * @throws ARTIFACT_EXISTS, MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE; errors of openFinished and planArtifact
 */
export async function exportRun(run: string, options: ExportOptions): Promise<Exported> {
  const { out, backend, threads, onEvent } = options;
  checkPlace(out);
  const finished = await openFinished(run, options);
  const { run: opened, unread } = withoutUnreadFields(finished);
  const plan = planArtifact(opened, options);
  const serving = createServing(opened.trained, { backend, threads });
  try {
    const graphs = [serving.compile(serving.tensors.outputs)];
    const calibrated = await calibrateGraphs(serving, opened.data, graphs, options);
    const manifest = await writeGraphs(out, { run: opened, unread, plan, serving, graphs, calibrated }, onEvent);
    return { manifest, cells: calibrated.cells };
  } finally {
    await serving.close();
  }
}

/**
 * Selects, proves and writes smaller graphs. Writes nothing without the proof. Graphs run on one thread, because they are timed.
 *
 * @throws ARTIFACT_EXISTS, MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE; errors of openFinished, planArtifact and selectGraphs
 */
export async function selectRun(
  run: string,
  options: Omit<SelectOptions, 'onEvent'> & Omit<ExportOptions, 'threads'>,
): Promise<{ selection: Selection; exported: Exported }> {
  const { out, backend, onEvent } = options;
  checkPlace(out);
  const finished = await openFinished(run, options);
  const { run: opened, unread } = withoutUnreadFields(finished);
  const plan = planArtifact(opened, options);
  const serving = createServing(opened.trained, { backend, threads: 1 });
  try {
    const evaluation = evaluationOf(opened.record);
    const selection = await selectGraphs(serving, opened.data, { evaluation, ...options });
    const { graphs: selected, proof: _, unseen: _unseen, ...record } = selection;
    const graphs = [selected.joint, ...selected.scenarios];
    const calibrated = await calibrateGraphs(serving, opened.data, graphs, options);
    const parts = { run: opened, unread, plan, serving, graphs, calibrated, selection: record };
    const manifest = await writeGraphs(out, parts, onEvent);
    return { selection, exported: { manifest, cells: calibrated.cells } };
  } finally {
    await serving.close();
  }
}
