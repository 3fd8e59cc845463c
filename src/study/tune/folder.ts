/**
 * The folder of a search:
 *
 *   tune.json     what is searched: configuration, data set, versions (written once)
 *   trials.jsonl  the result of each trial, in the order in which they ended
 *   trials/NNNN/  the run folder of a trial; with checkpoints only while they may be needed
 *   best.yaml     the run configuration of the best trial
 *   result.json   all trials and what came of them, see documents/tuning.ts
 *   report.md     the same, for people
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { error } from '../../base/errors/index.ts';
import { checkOurs, makeFolder, readText, writeFileAtomic } from '../../base/files.ts';
import { canonicalJson } from '../../base/hash.ts';
import { isRecord } from '../../base/json.ts';
import { seal, unseal } from '../../base/seal.ts';
import { versions } from '../../base/version.ts';
import type { TuneConfig } from '../../config/tune.ts';

export const tunePaths = (folder: string) => ({
  record: join(folder, 'tune.json'),
  trials: join(folder, 'trials.jsonl'),
  trial: (number: number): string => join(folder, 'trials', String(number).padStart(4, '0')),
  best: join(folder, 'best.yaml'),
  result: join(folder, 'result.json'),
  report: join(folder, 'report.md'),
});

interface Subject {
  config: TuneConfig;
  /** Hash of the prepared data set. */
  hash: string;
}

/**
 * Creates the folder of a search, or checks that it belongs to this search. A search may be continued with more trials, since the
 * earlier ones stay the same; with successive halving it may not, since all trials are compared.
 *
 * @throws FILE_OCCUPIED, TUNE_OTHER (naming what differs), CHECKSUM_MISMATCH, FILE_UNWRITABLE, DISK_FULL
 */
export function claimFolder(folder: string, subject: Subject): void {
  const path = tunePaths(folder).record;
  if (existsSync(path)) {
    const content = unseal(readText(path, 'the folder of a search'));
    if (!('value' in content)) throw error('CHECKSUM_MISMATCH', { path, ...content });
    const differences = differing(comparable(content.value as Subject), comparable(subject));
    if (differences.length > 0) throw error('TUNE_OTHER', { folder, differences });
    return;
  }
  const { trials, best, result, report } = tunePaths(folder);
  for (const file of [trials, best, result, report]) checkOurs(file, 'a file of this search', () => false);
  makeFolder(folder);
  writeFileAtomic(path, seal({ version: 1, ...subject, versions: versions() }));
}

const comparable = ({ config, hash }: Subject): Record<string, unknown> => {
  const { data, method, ...rest } = config;
  return {
    ...rest,
    method: method.kind === 'halving' ? method : { ...method, trials: undefined },
    'rows of data': hash,
  };
};

/** Dotted paths at which two values differ. */
function differing(before: unknown, now: unknown, path = ''): string[] {
  if (canonicalJson(before ?? null) === canonicalJson(now ?? null)) return [];
  if (!isRecord(before) || !isRecord(now)) return [path];
  const keys = [...new Set([...Object.keys(before), ...Object.keys(now)])];
  return keys.flatMap((key) => differing(before[key], now[key], path === '' ? key : `${path}.${key}`));
}
