/** The prepared data set that a run's model scores. */

import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import type { RunConfig } from '../../config/run.ts';
import { hasManifest } from '../../data/prepared/manifest.ts';
import { openPrepared } from '../../data/prepared/open.ts';
import type { Manifest, PreparedData, SplitReader } from '../../data/prepared/prepared.ts';
import { readSubset } from '../../data/prepared/subset.ts';
import { loadModel, type ModelDescription } from '../../store/run/model-file.ts';
import { checkDataset, openRun, type RunRecord } from '../../store/run/run-folder.ts';

/**
 * Opens the data set that the run was trained on, in the recorded or in another folder. Imported weights without a data set take any
 * that fits.
 *
 * @throws RUN_NOT_FOUND, RUN_DATA_MISSING, RUN_OTHER_DATASET, MODEL_UNBOUND, MODEL_MISFIT, DATA_NOT_PREPARED
 */
export async function openRunData(run: string, folder?: string, record = openRun(run)): Promise<PreparedData> {
  const data = await openRecorded(run, record, folder);
  if (record.data.hash === '') checkFit(run, loadModel(run).description.data, data.folder, data.manifest);
  else checkDataset(run, record, { folder: data.folder, hash: data.manifest.hash });
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

/** Throws MODEL_MISFIT unless the model's sizes match the data. */
export function checkFit(model: string, sizes: ModelDescription['data'], folder: string, manifest: Manifest): void {
  const compare = (what: string, there: number, here: number): string[] =>
    there === here ? [] : [`${here} ${what}, the model has ${there}`];
  const problems = [
    ...compare('fields', sizes.fields.length, manifest.fields.length),
    ...compare('scenarios', sizes.scenarios.length, manifest.scenarios.length),
    ...compare('tasks', sizes.tasks.length, manifest.tasks.length),
    ...compare('rows of the embedding table', sizes.tableRows, manifest.tableRows),
    ...(sizes.sequences === undefined
      ? []
      : [
          ...compare('types of sequences', sizes.sequences.types.length, manifest.sequences?.types.length ?? 0),
          ...compare('items in a sequence', sizes.sequences.length, manifest.sequences?.length ?? 0),
        ]),
  ];
  if (problems.length > 0) throw error('MODEL_MISFIT', { model, data: folder, problems });
}
