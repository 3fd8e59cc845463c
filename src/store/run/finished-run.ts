/**
 * `finished.json` identifies a finished run and has the SHA-256 of its files without a checksum, or that could belong to another run. It
 * is written last, and removed when the run continues. Runs of version 0.1 have none.
 */
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { asReadError, asWriteError, writeFileAtomic } from '../../base/files.ts';
import { sha256 } from '../../base/hash.ts';
import { readSealed, seal } from '../../base/seal.ts';

const schema = z.strictObject({
  version: z.literal(1),
  /** See markOf in run-folder.ts. */
  run: z.string(),
  /** SHA-256 by name. */
  files: z.record(z.string(), z.string()),
});

const FINISHED = 'finished.json';
const FILES = ['metrics.jsonl', 'timings.jsonl', 'model.json'];

/**
 * Records the files of the run, all of which exist.
 *
 * @throws DISK_FULL, FILE_UNWRITABLE
 */
export function recordFinished(folder: string, run: string): void {
  const files = Object.fromEntries(FILES.map((name) => [name, hashOf(join(folder, name))]));
  writeFileAtomic(join(folder, FINISHED), seal({ version: 1, run, files }));
}

/** What is measured of a finished model: gone with it. */
export const IMPORTANCE = 'importance.json';

/** Removes the record, because the run continues, and what was measured of its model. */
export function forgetFinished(folder: string): void {
  try {
    rmSync(join(folder, IMPORTANCE), { force: true });
    rmSync(join(folder, FINISHED), { force: true });
  } catch (cause) {
    throw asWriteError(cause, folder);
  }
}

/** Is the training finished? False for runs of version 0.1. */
export const isRecordedFinished = (folder: string): boolean => existsSync(join(folder, FINISHED));

/**
 * Compares a part of a run with the record of the finished run, if there is one.
 *
 * @throws CHECKSUM_MISMATCH, RUN_DAMAGED
 */
export function checkFinished(folder: string, part: { run: string } | { file: string }): void {
  const path = join(folder, FINISHED);
  if (!existsSync(path)) return;
  const { run, files } = readSealed(path, 'what a finished run consists of', schema);
  if ('run' in part) {
    if (part.run !== run)
      throw error('RUN_DAMAGED', { path: folder, problem: `run.json is of ${part.run}, the rest of ${run}` });
    return;
  }
  const place = join(folder, part.file);
  if (!existsSync(place)) throw error('RUN_DAMAGED', { path: folder, problem: `${part.file} is gone` });
  const found = hashOf(place);
  if (found !== files[part.file])
    throw error('CHECKSUM_MISMATCH', { path: place, expected: files[part.file] ?? 'none', found });
}

function hashOf(path: string): string {
  try {
    return sha256(readFileSync(path));
  } catch (cause) {
    throw asReadError(cause, path, 'a file of a finished run');
  }
}
