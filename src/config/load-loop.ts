/** Loads configurations of the loop. */
import { dirname, resolve } from 'node:path';
import { error } from '../base/errors/index.ts';
import { problemsOf } from './files/problems.ts';
import { readWritten } from './load.ts';
import { type LoopConfig, loopSchema } from './loop.ts';

/**
 * Paths are relative to the file.
 *
 * @throws CONFIG_INVALID (every mistake by its dotted path), CONFIG_UNREADABLE, FILE_MISSING
 */
export async function loadLoopConfig(config: string | object): Promise<LoopConfig> {
  const source = `the loop configuration${typeof config === 'string' ? ` (${config})` : ''}`;
  const input = await readWritten(config, source);
  const parsed = loopSchema.safeParse(input);
  if (!parsed.success)
    throw error('CONFIG_INVALID', { source, problems: problemsOf(parsed.error.issues, input, loopSchema) });
  const from = typeof config === 'string' ? dirname(resolve(config)) : process.cwd();
  const { log, join, folder, run, ...rest } = parsed.data;
  const [ofLog, ofJoin, ofFolder, ofRun] = [log, join, folder, run].map((path) => resolve(from, path));
  return { ...rest, log: ofLog, join: ofJoin, folder: ofFolder, run: ofRun };
}
