/**
 * The folder of a loop:
 *
 *   rows/                 rows joined from the log, see `join`
 *   rounds/000001/        one round
 *     round.json          its record, sealed: written anew after each stage, so that a killed round goes on from the last one
 *     data/ run/ artifact/
 *   lock.<n>              exists while a process works on the loop
 */
import { existsSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomic } from '../base/files.ts';
import { readSealed, seal } from '../base/seal.ts';
import { type Round, roundSchema } from '../documents/loop/round.ts';

const nameOf = (round: number): string => String(round).padStart(6, '0');

export const loopPaths = (folder: string) => ({ rows: join(folder, 'rows'), rounds: join(folder, 'rounds') });

export const roundPaths = (folder: string, round: number) => {
  const own = join(folder, 'rounds', nameOf(round));
  return {
    folder: own,
    record: join(own, 'round.json'),
    data: join(own, 'data'),
    run: join(own, 'run'),
    artifact: join(own, 'artifact'),
  };
};

/** Records of all rounds, oldest first. Throws RUN_DAMAGED. */
export function readRounds(folder: string): Round[] {
  const { rounds } = loopPaths(folder);
  if (!existsSync(rounds)) return [];
  return readdirSync(rounds)
    .filter((name) => /^\d{6}$/.test(name) && existsSync(join(rounds, name, 'round.json')))
    .sort()
    .map((name) => readSealed(join(rounds, name, 'round.json'), 'the record of a round', roundSchema));
}

export function writeRound(folder: string, round: Round): Round {
  const paths = roundPaths(folder, round.round);
  mkdirSync(paths.folder, { recursive: true });
  writeFileAtomic(paths.record, seal(round, 1));
  return round;
}

/** A model: its run, and its artifact. */
export type Served = Round['serving'];

/** The model that serves: that of the last round whose model was taken, or the one that the loop began with. */
export function servingModel(rounds: readonly Round[], first: Served): Served {
  const taken = rounds.findLast(({ decision }) => decision?.kind === 'loaded' || decision?.kind === 'ready');
  if (taken?.trained === undefined || taken.exported === undefined) return first;
  return { run: taken.trained.run, artifact: taken.exported.artifact };
}

/** Removes data, runs and artifacts of older rounds; not their records, and nothing that serves. */
export function removeOld(folder: string, rounds: readonly Round[], keep: number, serving: Served): void {
  for (const { round, decision } of rounds.slice(0, -keep)) {
    const { data, run, artifact } = roundPaths(folder, round);
    if (decision === undefined || run === serving.run) continue;
    for (const path of [artifact, run, data]) rmSync(path, { recursive: true, force: true });
  }
}
