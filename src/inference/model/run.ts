/** Opens a run for what is done with it: its prepared data set, and its model. */

import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import type { RunConfig } from '../../config/run.ts';
import { hasManifest } from '../../data/prepared/manifest.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { Manifest, PreparedData, SplitReader } from '../../data/prepared/prepared.ts';
import { readSubset } from '../../data/prepared/subset.ts';
import { models } from '../../model/registry.ts';
import type { CheckpointInfo } from '../../store/run/checkpoint.ts';
import type { ModelDescription } from '../../store/run/model-file.ts';
import { checkDataset, modelFiles, openRun, type RunRecord } from '../../store/run/run-folder.ts';
import { loadTrained, type RunSource, type TrainedModel, type WeightsEvent } from './trained.ts';

/** A run, its data and its model. */
export interface FinishedRun {
  folder: string;
  record: RunRecord;
  data: PreparedData;
  trained: TrainedModel;
  /** Present if the weights come from a checkpoint. */
  checkpoint?: CheckpointInfo;
}

/**
 * Opens a run with its finished model, or with the model of a checkpoint. Executes the module files that the run names.
 *
 * @throws errors of openRunData and loadTrained
 */
export async function openFinished(folder: string, { onEvent, ...source }: RunSource = {}): Promise<FinishedRun> {
  const record = openRun(folder);
  await models.loadFiles(modelFiles(record));
  const data = await openRunData(folder, source.data, record);
  let checkpoint: CheckpointInfo | undefined;
  const noted = (event: WeightsEvent): void => {
    checkpoint = event.checkpoint;
    onEvent?.(event);
  };
  const trained = loadTrained(folder, describeData(data.manifest), { ...source, onEvent: noted }, record);
  return { folder, record, data, trained, ...(checkpoint && { checkpoint }) };
}

/**
 * Opens the data set that the run was trained on, in the recorded or in another folder. Imported weights without a data set take any
 * that fits.
 *
 * @throws RUN_NOT_FOUND, RUN_DATA_MISSING, RUN_OTHER_DATASET, MODEL_UNBOUND, DATA_NOT_PREPARED
 */
export async function openRunData(run: string, folder?: string, record = openRun(run)): Promise<PreparedData> {
  const data = await openRecorded(run, record, folder);
  // Weights that were imported without a data set are compared with it when the model is loaded.
  if (record.data.hash !== '') checkDataset(run, record, { folder: data.folder, hash: data.manifest.hash });
  return data;
}

/**
 * Opens the folder, or the one that the run recorded. The caller checks which data set it has. `option`: the option that names the
 * folder.
 *
 * @throws MODEL_UNBOUND, RUN_DATA_MISSING, DATA_NOT_PREPARED
 */
export async function openRecorded(
  run: string,
  { data }: RunRecord,
  folder?: string,
  option = '--data',
): Promise<PreparedData> {
  if (folder !== undefined) return openPrepared(folder);
  if (data.folder === '') throw error('MODEL_UNBOUND', { run });
  if (!hasManifest(data.folder))
    throw error('RUN_DATA_MISSING', { folder: run, name: data.name, data: data.folder, option });
  return openPrepared(data.folder);
}

/**
 * Opens the part of a split that a run uses: all rows and labels, or those of the scenarios and tasks that it learns.
 *
 * @throws SUBSET_EMPTY
 */
export async function openPart(
  { folder, manifest, open }: PreparedData,
  split: SplitName,
  { scenarios, tasks }: Pick<RunConfig['train'], 'scenarios' | 'tasks'>,
): Promise<SplitReader> {
  const reader = await open(split);
  if (scenarios === undefined && tasks === undefined) return reader;
  const indices = (names: string[] | undefined, of: string[]) => names?.map((name) => of.indexOf(name));
  const part = await readSubset(reader, {
    scenarios: indices(scenarios, manifest.scenarios),
    tasks: indices(tasks, manifest.tasks),
  });
  if (part.rows > 0) return part;
  await part.close();
  throw error('SUBSET_EMPTY', { folder, split, scenarios: scenarios ?? [] });
}

/** The description of a data set in a model file. */
export const describeData = ({
  name,
  hash,
  tableRows,
  fields,
  scenarios,
  tasks,
  orderedTasks,
  sequences,
}: Manifest): ModelDescription['data'] => ({
  name,
  hash,
  tableRows,
  fields,
  scenarios,
  tasks,
  orderedTasks,
  ...(sequences && { sequences }),
});
