/** Begins a run: its configuration is held against the data, then its folder is made. */
import { resolve } from 'node:path';
import { loadModel } from '../artifact/model-file.ts';
import { createRun, openRun } from '../artifact/run-folder.ts';
import { error } from '../base/errors/index.ts';
import { versions } from '../base/version.ts';
import type { RunConfig } from '../config/run.ts';
import type { PreparedData } from '../data/prepared.ts';

/** Where a run's folder is made: this folder (absent or empty), or the next free name in a parent folder. */
export type RunPlace = { folder: string } | { parent: string };

/**
 * Makes the folder of a run that `startTraining` can then train. Returns its path.
 *
 * @throws CONFIG_INVALID where the configuration names tasks that the data do not have; RUN_NOT_FOUND, MODEL_MISSING,
 *   MODEL_UNBOUND for a warm start from what has no model or no data set; RUN_EXISTS, FILE_UNWRITABLE, DISK_FULL
 */
export function newRun(
  config: RunConfig,
  { folder, manifest }: Pick<PreparedData, 'folder' | 'manifest'>,
  place: RunPlace,
): string {
  const problems = Object.keys(config.train.taskWeights)
    .filter((task) => !manifest.tasks.includes(task))
    .map((task) => ({
      path: `train.taskWeights.${task}`,
      message: `the data have no such task (tasks: ${manifest.tasks.join(', ')})`,
    }));
  if (problems.length > 0) throw error('CONFIG_INVALID', { source: 'the run configuration', problems });
  const warmStart = config.warmStart === undefined ? undefined : resolve(config.warmStart);
  if (warmStart !== undefined) checkWarmStart(warmStart);
  const content = {
    model: config.model.key,
    config: { ...config, ...(warmStart !== undefined && { warmStart }) },
    data: { name: manifest.name, folder, hash: manifest.hash },
    versions: versions(),
  };
  return createRun(content, place).folder;
}

/** The weights of a warm start are there, and so are the tokens that their table rows belong to. */
function checkWarmStart(run: string): void {
  loadModel(run);
  if (openRun(run).data.folder === '') throw error('MODEL_UNBOUND', { run });
}
