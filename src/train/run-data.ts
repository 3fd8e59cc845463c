/** The prepared data set that a run's model scores. */
import { loadModel, type ModelDescription } from '../artifact/model-file.ts';
import { checkDataset, openRun } from '../artifact/run-folder.ts';
import { error } from '../base/errors/index.ts';
import { openPrepared } from '../data/open.ts';
import type { Manifest, PreparedData } from '../data/prepared.ts';

/**
 * Opens the data set that the run was trained on, where the run recorded it or in another folder. Imported weights that
 * were bound to no data set take any that fits.
 *
 * @throws RUN_NOT_FOUND, RUN_OTHER_DATASET, MODEL_UNBOUND, MODEL_MISFIT, DATA_NOT_PREPARED
 */
export async function openRunData(run: string, folder?: string): Promise<PreparedData> {
  const record = openRun(run);
  const place = folder ?? record.data.folder;
  if (place === '') throw error('MODEL_UNBOUND', { run });
  const data = await openPrepared(place);
  if (record.data.hash === '') checkFit(run, loadModel(run).description.data, data.folder, data.manifest);
  else checkDataset(run, record, { folder: data.folder, hash: data.manifest.hash });
  return data;
}

/** The description of a data set as a model file holds it. */
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

/** Throws MODEL_MISFIT unless the model's sizes are those of the data. */
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
