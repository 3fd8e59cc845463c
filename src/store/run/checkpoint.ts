/**
 * Checkpoints: `<name>.json` describes a checkpoint and names its tensor file with size and SHA-256. It is written last, so a
 * checkpoint that has it is complete. Unnamed checkpoints are numbered, and the last two are kept. Named ones (`rewind`, `best`) stay
 * until they are overwritten.
 */
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { readDescription as readBounded, writeFileAtomic } from '../../base/files.ts';
import { seal, unseal } from '../../base/seal.ts';
import { type FileStamp, readSafetensors, streamSafetensors, writeSafetensors } from '../safetensors.ts';
import type { StoredTensor, TensorParts, TensorStream, TensorView } from '../tensors.ts';

/** Position of a checkpoint in the training. */
export interface Position {
  phase: string;
  epoch: number;
  /** Steps done in this epoch. */
  step: number;
}

export interface CheckpointInfo {
  /** `000012`, or the given name: the value of `tributary resume --from`. */
  name: string;
  /** Increases with every checkpoint of the folder. */
  sequence: number;
  position: Position;
  /** Size of its tensor file. */
  bytes: number;
}

export interface Checkpoint extends CheckpointInfo {
  state: unknown;
  tensors: Map<string, StoredTensor>;
}

/** Number of unnamed checkpoints that stay: the newest, and one to return to if it is damaged. */
const KEPT = 2;

const descriptionSchema = z.strictObject({
  /** 1: without `run`. */
  version: z.union([z.literal(1), z.literal(2)]),
  sequence: z.int().min(1),
  position: z.strictObject({ phase: z.string(), epoch: z.number(), step: z.number() }),
  state: z.unknown(),
  file: z.string().regex(/^[a-z0-9-]+\.safetensors$/, 'the tensor file must lie beside it'),
  bytes: z.int().min(0),
  sha256: z.string(),
  /** Identifies the run, if given. */
  run: z.string().optional(),
});
type Description = z.output<typeof descriptionSchema>;

/**
 * Writes a checkpoint. When this returns, it is durable, and only the last two unnamed checkpoints are left.
 *
 * @param content.state any JSON value (counters, best metric so far ...); a value that JSON would change is refused
 * @param content.tensors written from the given arrays without a copy
 * @param content.run identifies the run: the checkpoint is then loaded for no other run
 * @throws DISK_FULL, FILE_UNWRITABLE; earlier checkpoints are then unchanged
 */
export function saveCheckpoint(folder: string, content: Content<TensorView | TensorParts>): CheckpointInfo {
  const { path, finish } = begin(folder, content);
  return finish(writeSafetensors(path, content.tensors));
}

/** Writes a checkpoint of tensors of which some come piece by piece, as `saveCheckpoint` does. Throws what their sources throw, too. */
export async function streamCheckpoint(
  folder: string,
  content: Content<TensorView | TensorParts | TensorStream>,
): Promise<CheckpointInfo> {
  const { path, finish } = begin(folder, content);
  return finish(await streamSafetensors(path, content.tensors));
}

interface Content<Tensor> {
  position: Position;
  state: unknown;
  tensors: Iterable<readonly [string, Tensor]>;
  name?: string;
  run?: string;
}

/** Where the tensors of a checkpoint go; `finish`, called when they are there, makes it one. */
function begin(
  folder: string,
  content: Omit<Content<never>, 'tensors'>,
): { path: string; finish: (stamp: FileStamp) => CheckpointInfo } {
  const { position, state, run } = content;
  const sequence = Math.max(0, ...fileNames(folder).map(sequenceOf)) + 1;
  const number = String(sequence).padStart(6, '0');
  const name = content.name ?? number;
  if (content.name !== undefined && !/^[a-z][a-z-]*$/.test(name))
    throw new Error(`a checkpoint cannot be named "${name}"`);
  if (!isDeepStrictEqual(JSON.parse(JSON.stringify(state)), state))
    throw new Error('the state of a checkpoint must survive JSON: no NaN, infinity, undefined or typed array');

  const file = fileOf(name, sequence);
  const finish = (stamp: FileStamp): CheckpointInfo => {
    const description: Description = { version: 2, sequence, position, state, file, ...stamp, ...(run && { run }) };
    writeFileAtomic(join(folder, `${name}.json`), seal(description));
    removeOld(folder);
    return info(name, description);
  };
  return { path: join(folder, file), finish };
}

/** The valid descriptions in a folder, newest first (does not read tensor files). */
export function listCheckpoints(folder: string): CheckpointInfo[] {
  const found = names(folder).flatMap((name) => {
    const description = readDescription(folder, name);
    return description instanceof Error ? [] : [info(name, description)];
  });
  return found.sort((a, b) => b.sequence - a.sequence);
}

/**
 * The newest unnamed checkpoint; undefined if there is none. A damaged one is an error: returning to an older one is the user's
 * choice.
 *
 * @throws errors of loadCheckpoint
 */
export function latestCheckpoint(folder: string, run?: string): Checkpoint | undefined {
  const newest = numbered(folder)[0];
  return newest === undefined ? undefined : loadCheckpoint(folder, newest, run);
}

/**
 * A checkpoint by its name, verified byte for byte.
 *
 * @param run identifies the run that it must belong to; default: any
 * @throws CHECKPOINT_MISSING, CHECKSUM_MISMATCH, CHECKPOINT_DAMAGED
 */
export function loadCheckpoint(folder: string, name: string, run?: string): Checkpoint {
  if (!names(folder).includes(name)) throw error('CHECKPOINT_MISSING', { folder, name, available: names(folder) });
  const description = readDescription(folder, name);
  if (description instanceof Error) throw description;
  if (run !== undefined && description.run !== undefined && description.run !== run)
    throw damaged(folder, name, `it is of another run, ${description.run}`);
  const path = join(folder, description.file);
  if (!existsSync(path)) {
    // A running training may have overwritten it.
    const now = readDescription(folder, name);
    if (!(now instanceof Error) && now.file !== description.file) return loadCheckpoint(folder, name, run);
    throw error('CHECKPOINT_DAMAGED', { path, problem: 'the file is gone', advice: advice(folder, name) });
  }
  const { tensors } = readSafetensors(path, description, advice(folder, name));
  return { ...info(name, description), state: description.state, tensors };
}

function readDescription(folder: string, name: string): Description | Error {
  const path = join(folder, `${name}.json`);
  let content: ReturnType<typeof unseal>;
  try {
    content = unseal(readBounded(path, 'a checkpoint'));
  } catch (cause) {
    if (cause instanceof SyntaxError) return damaged(folder, name, `it is not JSON: ${cause.message}`);
    return cause as Error;
  }
  if (!('value' in content)) return error('CHECKSUM_MISMATCH', { path, ...content, advice: advice(folder, name) });
  const parsed = descriptionSchema.safeParse(content.value);
  if (!parsed.success) return damaged(folder, name, z.prettifyError(parsed.error));
  const { file, sequence } = parsed.data;
  // With the description of another checkpoint, training would continue from another position.
  return file === fileOf(name, sequence) ? parsed.data : damaged(folder, name, `it describes ${file}`);
}

const damaged = (folder: string, name: string, problem: string): Error =>
  error('CHECKPOINT_DAMAGED', { path: join(folder, `${name}.json`), problem, advice: advice(folder, name) });

/** Name of a checkpoint's tensor file. */
function fileOf(name: string, sequence: number): string {
  const number = String(sequence).padStart(6, '0');
  return name === number ? `${number}.safetensors` : `${name}-${number}.safetensors`;
}

function advice(folder: string, name: string): string {
  const others = names(folder).filter((other) => other !== name);
  if (others.length === 0) return 'There is no other checkpoint: train again';
  return `Go on from another one with \`tributary resume ${dirname(folder)} --from NAME\`: ${others.join(', ')}`;
}

/** Removes all but the last unnamed checkpoints, and remains of interrupted writes. */
function removeOld(folder: string): void {
  const remove = (file: string) => rmSync(join(folder, file), { force: true });
  // Remove the description first: without it the checkpoint does not exist, even if removing the rest fails.
  for (const name of numbered(folder).slice(KEPT)) remove(`${name}.json`);
  const descriptions = names(folder).map((name) => readDescription(folder, name));
  const files = fileNames(folder);
  for (const file of files.filter((file) => file.endsWith('.tmp'))) remove(file);
  if (descriptions.some((d) => d instanceof Error)) return; // the tensors of a damaged description are unknown
  const used = descriptions.map((d) => (d as Description).file);
  for (const file of files.filter((file) => file.endsWith('.safetensors') && !used.includes(file))) remove(file);
}

const info = (name: string, { sequence, position, bytes }: Description): CheckpointInfo => ({
  name,
  sequence,
  position,
  bytes,
});

const fileNames = (folder: string): string[] => (existsSync(folder) ? readdirSync(folder).sort() : []);
const names = (folder: string): string[] =>
  fileNames(folder).flatMap((file) => (file.endsWith('.json') ? [file.slice(0, -'.json'.length)] : []));
/** Names of unnamed checkpoints, newest first. */
const numbered = (folder: string): string[] =>
  names(folder)
    .filter((name) => /^\d+$/.test(name))
    .sort((a, b) => Number(b) - Number(a));
const sequenceOf = (file: string): number => Number(/(\d+)\.(?:json|safetensors)$/.exec(file)?.[1] ?? 0);
