/** Starts a run: checks its configuration against the data, then makes its folder. */
import { resolve } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { versions } from '../../base/version.ts';
import type { Problem } from '../../config/files/problems.ts';
import type { RunConfig } from '../../config/run.ts';
import type { Manifest, PreparedData } from '../../data/prepared/prepared.ts';
import { modelSizes } from '../../inference/model/sizes.ts';
import { fieldProblems } from '../../model/layers/fields.ts';
import { networkOf } from '../../model/network.ts';
import { findModel, sourceOf } from '../../model/registry.ts';
import { createRun } from '../../store/run/run-folder.ts';
import { withFlowTable } from '../structure/table.ts';
import { withIdDecay } from './id-decay.ts';
import { readWarmStart } from './warm-start.ts';

/**
 * The new folder of a run: this folder (absent or empty), or the next free name in a parent folder. `id`: the name that the run records,
 * where it is not that of the folder.
 */
export type RunPlace = { folder: string; id?: string } | { parent: string };

/** What is wrong with a configuration for these data. The schema has already checked the configuration alone. */
export function runProblems(config: RunConfig, manifest: Manifest): Problem[] {
  const model = findModel(config.model.key);
  const { taskWeights, tasks = [], scenarios = [] } = config.train;
  const unknown = (path: string, names: string[], what: 'tasks' | 'scenarios'): Problem[] =>
    names
      .filter((name) => !manifest[what].includes(name))
      .map((name) => ({
        path: path === 'train.taskWeights' ? `${path}.${name}` : path,
        message: `the data have no ${what.slice(0, -1)} "${name}" (${what}: ${manifest[what].join(', ')})`,
      }));
  const withoutStart = config.warmStartData !== undefined && config.warmStart === undefined;
  const unknownToTraining = sourceOf(model.key) === undefined;
  return [
    ...(unknownToTraining ? [{ path: 'modelFiles', message: ONLY_HERE }] : []),
    ...(withoutStart ? [{ path: 'warmStartData', message: 'has an effect with warmStart only' }] : []),
    ...(model.problems?.(model.options.parse(config.model), modelSizes(manifest)) ?? []),
    ...idDecayProblems(config, manifest),
    ...unknown('train.taskWeights', Object.keys(taskWeights), 'tasks'),
    ...unknown('train.tasks', tasks, 'tasks'),
    ...unknown('train.scenarios', scenarios, 'scenarios'),
  ];
}

function idDecayProblems({ train: { idDecay } }: RunConfig, { fields }: Manifest): Problem[] {
  const fieldNames = fields.map(({ name }) => name);
  const named = typeof idDecay === 'object' ? Object.keys(idDecay) : [];
  return named.flatMap((name) =>
    fieldProblems('train.idDecay', [name], { fields: fields.length, scenarios: 0, tasks: 0, fieldNames }).map(
      ({ message }) => ({ path: `train.idDecay.${name}`, message }),
    ),
  );
}

const ONLY_HERE =
  'is missing: training has a thread of its own, which must load the model again. Name the module file that exports it, here or when registering it';

function checkRun(config: RunConfig, manifest: Manifest): void {
  const problems = runProblems(config, manifest);
  if (problems.length > 0) throw error('CONFIG_INVALID', { source: 'the run configuration', problems });
}

/**
 * Makes the folder of a run that `startTraining` can then train. Returns its path.
 *
 * @throws FLOWS_FILE; CONFIG_INVALID if the configuration does not fit the data; errors of readWarmStart; RUN_EXISTS,
 *   FILE_UNWRITABLE, DISK_FULL
 */
export async function newRun(given: RunConfig, data: PreparedData, place: RunPlace): Promise<string> {
  const { folder, manifest } = data;
  checkRun(given, manifest); // before the flow test, which takes seconds
  const { config, verdict } = await withFlowTable(await withIdDecay(given, data), data);
  if (verdict !== undefined) checkRun(config, manifest); // a verdict may close everything
  const model = findModel(config.model.key);
  const options = model.options.parse(config.model);
  const sizes = modelSizes(manifest);
  const warmStart = config.warmStart === undefined ? undefined : resolve(config.warmStart);
  if (warmStart !== undefined) {
    const { parameters: specs, dimension } = networkOf(model, options, sizes);
    readWarmStart(warmStart, { key: model.key, specs, dimension, manifest });
  }
  const { modelFiles: _, ...own } = config;
  const file = sourceOf(model.key)?.file;
  const content = {
    model: config.model.key,
    config: {
      ...own,
      ...(file !== undefined && { modelFiles: [file] }),
      ...(warmStart !== undefined && { warmStart }),
      ...(config.warmStartData !== undefined && { warmStartData: resolve(config.warmStartData) }),
    },
    data: { name: manifest.name, folder, hash: manifest.hash },
    versions: versions(),
  };
  return createRun(content, place, verdict).folder;
}
