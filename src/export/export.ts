/** From a finished run to an artifact with the graph of the full model. */

import type { FittedCell } from '../documents/artifact.ts';
import { servingGraph } from '../inference/graphs/serving.ts';
import { openFinished } from '../inference/model/finished.ts';
import type { RunSource, WeightsEvent } from '../inference/model/run-model.ts';
import { createExecutors } from '../inference/serving/executors.ts';
import type { SessionOptions } from '../runtime/contract.ts';
import type { ArtifactManifest } from '../store/artifact/manifest.ts';
import { checkPlace } from '../store/artifact/write.ts';
import { writeGraphs } from './artifact.ts';
import { type CalibrationOptions, calibrateGraphs } from './calibrate/calibrate.ts';
import type { StepEvent } from './events.ts';
import { type PlanOptions, planArtifact } from './plan.ts';

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
  const opened = await openFinished(run, options);
  const plan = planArtifact(opened, options);
  checkPlace(out);
  const graphs = [servingGraph(opened.trained)];
  const executors = createExecutors(opened.trained, { backend, threads });
  try {
    const calibrated = await calibrateGraphs(opened.data, graphs, executors, options);
    const manifest = await writeGraphs(out, { run: opened, plan, graphs, calibrated }, onEvent);
    return { manifest, cells: calibrated.cells };
  } finally {
    await executors.keep([]);
  }
}
