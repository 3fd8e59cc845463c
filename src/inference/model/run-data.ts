/** The prepared data set of a run. */
import { error } from '../../base/errors/index.ts';
import type { SplitName } from '../../config/dataset.ts';
import type { RunConfig } from '../../config/run.ts';
import { openPreparedOr } from '../../data/prepared/open.ts';
import type { Manifest, PreparedData, SplitReader } from '../../data/prepared/prepared.ts';
import { readSubset } from '../../data/prepared/subset.ts';
import type { ModelDescription } from '../../store/run/model-file.ts';
import type { RunRecord } from '../../store/run/run-folder.ts';

/**
 * Opens the data set that the run was trained on, in the recorded or in another folder. Imported weights without a data set take any
 * that fits: they are compared with it when the model is loaded.
 *
 * @param folder default: the one that the run recorded
 * @param option the option that names the folder
 * @throws RUN_DATA_MISSING, RUN_OTHER_DATASET, MODEL_UNBOUND, DATA_NOT_PREPARED
 */
export async function openRunData(
  run: string,
  { data: recorded }: RunRecord,
  folder = recorded.folder,
  option = '--data',
): Promise<PreparedData> {
  if (folder === '') throw error('MODEL_UNBOUND', { run });
  const missing = error('RUN_DATA_MISSING', { folder: run, name: recorded.name, data: folder, option });
  const data = await openPreparedOr(folder, folder === recorded.folder ? missing : undefined);
  const { hash } = data.manifest;
  if (recorded.hash !== '' && hash !== recorded.hash)
    throw error('RUN_OTHER_DATASET', { folder: run, expected: recorded.hash, found: hash, data: data.folder });
  return data;
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
