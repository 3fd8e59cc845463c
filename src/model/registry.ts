/** Every model by its key: those of the zoo (adding one is a file and a line here), and those that a user registers. */
import { resolve } from 'node:path';
import { error } from '../base/errors/index.ts';
import { definitionProblems } from './check.ts';
import type { CommonOptions, ModelDefinition } from './contract.ts';
import { loadModelFiles } from './files.ts';
import { adasparse } from './zoo/adasparse.ts';
import { aesm2 } from './zoo/aesm2/model.ts';
import { aitm } from './zoo/aitm.ts';
import { autoifs } from './zoo/autoifs/model.ts';
import { crossStitch } from './zoo/cross-stitch.ts';
import { dtrn } from './zoo/dtrn/model.ts';
import { esmm } from './zoo/esmm.ts';
import { hinet } from './zoo/hinet.ts';
import { m2m } from './zoo/m2m.ts';
import { m3oe } from './zoo/m3oe.ts';
import { mmoe } from './zoo/mmoe.ts';
import { pepnet } from './zoo/pepnet.ts';
import { ple } from './zoo/ple.ts';
import { sharedBottom } from './zoo/shared-bottom.ts';
import { singleTask } from './zoo/single-task.ts';
import { star } from './zoo/star.ts';
import { streams } from './zoo/streams.ts';

type Model = ModelDefinition<CommonOptions>;

// Each definition's functions take the options of its own schema; behind the registry they are just options.
const zoo = [
  adasparse,
  aesm2,
  aitm,
  autoifs,
  crossStitch,
  dtrn,
  esmm,
  hinet,
  m2m,
  m3oe,
  mmoe,
  pepnet,
  ple,
  sharedBottom,
  singleTask,
  star,
  streams,
] as unknown as readonly Model[];

const registered = new Map(zoo.map((model) => [model.key, model]));
/** The module file of each model of a user, where it has one. */
const files = new Map<string, string | undefined>();

export interface ModelRegistry extends ReadonlyMap<string, Model> {
  /**
   * Adds the models of module files (`export default defineModel({ ... })`), each file once.
   *
   * @throws MODEL_FILE_UNREADABLE, MODEL_INVALID, MODEL_EXISTS
   */
  loadFiles(files: readonly string[]): Promise<void>;
}

export const models: ModelRegistry = Object.assign(registered, {
  loadFiles: (files: readonly string[]) => loadModelFiles(files, registerLoaded),
});

/** The model of a key. Throws MODEL_UNKNOWN, naming the known ones. */
export function findModel(key: string): Model {
  const model = models.get(key);
  if (model === undefined) throw error('MODEL_UNKNOWN', { key, known: [...models.keys()] });
  return model;
}

/**
 * Adds a model to those that runs may name.
 *
 * @param file path of the module whose default export it is. Training has a thread of its own, which loads the module again: without
 *   a file the model can be inspected and built, not trained
 * @throws MODEL_EXISTS for a key that is taken, MODEL_INVALID where the definition breaks the contract, naming every mistake
 */
export function registerModel<O extends CommonOptions>(definition: ModelDefinition<O>, file?: string): void {
  const key = definition?.key;
  if (models.has(key)) throw error('MODEL_EXISTS', { key, file: files.get(key) });
  const problems = definitionProblems(definition);
  if (problems.length > 0) throw error('MODEL_INVALID', { source: file ?? 'registerModel', problems });
  registered.set(key, definition as unknown as Model);
  files.set(key, file === undefined ? undefined : resolve(file));
}

/** Takes a registered model out again, so that another may have its key. Models of the zoo stay. */
export function unregisterModel(key: string): void {
  if (files.delete(key)) registered.delete(key);
}

/** Where training finds a model: `file` for one of a module file; undefined for one that only this process knows. */
export const sourceOf = (key: string): { file?: string } | undefined => {
  if (!files.has(key)) return {};
  const file = files.get(key);
  return file === undefined ? undefined : { file };
};

/** A program may have registered the definitions of a file before. */
function registerLoaded(definition: unknown, path: string): void {
  const key = (definition as Partial<Model> | null)?.key ?? '';
  if (files.get(key) !== path) registerModel(definition as Model, path);
}
