/** A finished model: `model.safetensors` (the weights by parameter name) and `model.json` (their description), written last. */
import { existsSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asWriteError, syncFolder, writeFileAtomic } from '../../base/files.ts';
import { readSealed, seal } from '../../base/seal.ts';
import { dataDescription } from '../data-description.ts';
import { readSafetensors, streamSafetensors, writeSafetensors } from '../safetensors.ts';
import { checkFinite, type StoredTensor, type TensorParts, type TensorStream, type TensorView } from '../tensors.ts';
import { checkFinished, isRecordedFinished } from './finished-run.ts';

const WEIGHTS = 'model.safetensors';
const DESCRIPTION = 'model.json';

/** What is needed to rebuild a model and feed it. */
const modelDescriptionSchema = z.strictObject({
  version: z.literal(1),
  /** Key of the model in the zoo, and its options with defaults filled in. */
  model: z.looseObject({ key: z.string() }),
  data: dataDescription.extend({
    /** Hash of the prepared data set that it was trained on. */
    hash: z.string(),
  }),
});

export type ModelDescription = z.output<typeof modelDescriptionSchema>;

const fileSchema = modelDescriptionSchema.extend({
  weights: z.strictObject({ bytes: z.int().min(0), sha256: z.string() }),
});

/**
 * Writes the model of a run, and replaces an existing one.
 *
 * @throws MODEL_NOT_FINITE, DISK_FULL, FILE_UNWRITABLE
 */
export function saveModel(
  folder: string,
  description: ModelDescription,
  tensors: Iterable<readonly [string, TensorView | TensorParts]>,
): void {
  const all = [...tensors];
  checkFinite(folder, all);
  rmSync(join(folder, DESCRIPTION), { force: true }); // between the two writes there is no model, rather than a mixed one
  const weights = writeSafetensors(join(folder, WEIGHTS), all);
  writeFileAtomic(join(folder, DESCRIPTION), seal({ ...description, weights }));
}

/**
 * Writes a model of which some tensors come piece by piece, into a folder that has none. Their sources see to it that numbers are finite.
 *
 * @throws DISK_FULL, FILE_UNWRITABLE, and what the sources throw
 */
export async function streamModel(
  folder: string,
  description: ModelDescription,
  tensors: Iterable<readonly [string, TensorView | TensorParts | TensorStream]>,
): Promise<void> {
  const weights = await streamSafetensors(join(folder, WEIGHTS), tensors);
  writeFileAtomic(join(folder, DESCRIPTION), seal({ ...description, weights }));
}

/**
 * Moves a model from another folder on the same disk into the run, and replaces an existing one.
 *
 * @throws DISK_FULL, FILE_UNWRITABLE
 */
export function moveModel(from: string, folder: string): void {
  try {
    rmSync(join(folder, DESCRIPTION), { force: true });
    for (const name of [WEIGHTS, DESCRIPTION]) renameSync(join(from, name), join(folder, name));
    syncFolder(folder);
  } catch (cause) {
    throw asWriteError(cause, folder);
  }
}

/** Does the run have a finished model, possibly without its description? */
export const hasModel = (folder: string): boolean =>
  [DESCRIPTION, WEIGHTS].some((name) => existsSync(join(folder, name))) || isRecordedFinished(folder);

export interface LoadedModel {
  description: ModelDescription;
  tensors: Map<string, StoredTensor>;
}

/**
 * Reads the model of a run, verified byte for byte.
 *
 * @throws MODEL_MISSING, MODEL_NOT_FINITE, CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function loadModel(folder: string): LoadedModel {
  const path = join(folder, DESCRIPTION);
  if (!hasModel(folder)) throw error('MODEL_MISSING', { folder });
  if (!existsSync(path)) throw error('RUN_DAMAGED', { path: folder, problem: `${DESCRIPTION} is gone` });
  checkFinished(folder, { file: DESCRIPTION });
  const { weights, ...description } = readSealed(path, 'a model', fileSchema);
  const { tensors } = readSafetensors(join(folder, WEIGHTS), weights);
  checkFinite(folder, tensors);
  return { description, tensors };
}
