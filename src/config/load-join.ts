/** Loads configurations of `join`. */
import { error } from '../base/errors/index.ts';
import { problemsOf } from './files/problems.ts';
import { type JoinConfig, joinSchema } from './join.ts';
import { readWritten } from './load.ts';

/** What messages call it. */
export const joinSource = (config: string | object): string =>
  `the join configuration${typeof config === 'string' ? ` (${config})` : ''}`;

/** @throws CONFIG_INVALID (every mistake by its dotted path), CONFIG_UNREADABLE, FILE_MISSING */
export async function loadJoinConfig(config: string | object): Promise<JoinConfig> {
  const source = joinSource(config);
  const input = await readWritten(config, source);
  const parsed = joinSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw error('CONFIG_INVALID', { source, problems: problemsOf(parsed.error.issues, input, joinSchema) });
}
