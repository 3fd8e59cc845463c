/**
 * The folder of a run whose model is being chosen:
 *
 *   choosing.json   what is tried: the plan, the configuration of each candidate, the data set (written once)
 *   candidates/KEY  the run folder of a candidate, trained up to its steps
 *
 * In the end choice.json says what was found, the folder of the chosen candidate becomes that of the run, and these two go.
 */
import { existsSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { basename, join } from 'node:path';
import { z } from 'zod';
import { asWriteError, syncFolder, writeFileAtomic } from '../../base/files.ts';
import { readSealed, seal } from '../../base/seal.ts';
import { versions } from '../../base/version.ts';
import { runSchema } from '../../config/run.ts';
import { type ChoiceDocument, LEFT_OUT } from '../../documents/choice.ts';
import { yardstickKey } from '../../documents/yardsticks.ts';
import { claimRunFolder, runPaths } from '../../store/run/run-folder.ts';
import type { RunPlace } from '../../train/run/new-run.ts';

const choosingSchema = z.strictObject({
  version: z.literal(1),
  data: z.strictObject({ name: z.string(), folder: z.string(), hash: z.string() }),
  /** Seconds. */
  budget: z.number(),
  candidates: z.array(
    z.strictObject({
      model: z.string(),
      config: runSchema,
      steps: z.int().min(1),
      passes: z.number(),
      price: z.number(),
    }),
  ),
  leftOut: z.array(z.strictObject({ model: z.string(), because: z.enum(LEFT_OUT), price: z.number().optional() })),
  yardsticks: z.array(yardstickKey),
  yardsticksLeftOut: z.array(yardstickKey),
  versions: z.record(z.string(), z.string()),
});

export type Choosing = z.output<typeof choosingSchema>;
export type PlannedCandidate = Choosing['candidates'][number];

export const candidateFolder = (folder: string, model: string): string => join(folder, 'candidates', model);

/**
 * Makes the folder.
 *
 * @throws RUN_EXISTS, FILE_UNWRITABLE, DISK_FULL
 */
export function createChoice(choosing: Omit<Choosing, 'version' | 'versions'>, place: RunPlace): string {
  const folder = claimRunFolder(place, 'auto', choosing.data.name);
  const record: Choosing = { version: 1, ...choosing, versions: versions() };
  writeFileAtomic(runPaths(folder).choosing, seal(record));
  return folder;
}

/** @throws CHECKSUM_MISMATCH, RUN_DAMAGED */
export const readChoosing = (folder: string): Choosing =>
  readSealed(runPaths(folder).choosing, 'what a choice tries', choosingSchema);

/** Is the choice of this folder still to be made, or to be carried out? */
export const isChoosing = (folder: string): boolean =>
  existsSync(runPaths(folder).choosing) && !existsSync(runPaths(folder).record);

/** Keeps what was found, and makes the chosen candidate the run. Killed in between, the same call carries it out. */
export function settle(folder: string, document: ChoiceDocument): void {
  const { choice, choosing, record } = runPaths(folder);
  if (!existsSync(choice)) writeFileAtomic(choice, seal(document));
  const from = candidateFolder(folder, document.chosen);
  try {
    const names = readdirSync(from).filter((name) => name !== basename(record) && !/^lock\.|\.tmp$/.test(name));
    for (const name of names) renameSync(join(from, name), join(folder, name));
    syncFolder(folder);
    renameSync(runPaths(from).record, record); // from here on the folder is that of a run
    syncFolder(folder);
    rmSync(join(folder, 'candidates'), { recursive: true, force: true });
    rmSync(choosing, { force: true });
  } catch (cause) {
    throw asWriteError(cause, folder);
  }
}
