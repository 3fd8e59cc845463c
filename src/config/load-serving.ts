/** Loads serving configurations. */
import { error } from '../base/errors/index.ts';
import { merge } from './files/override.ts';
import { problemsOf } from './files/problems.ts';
import { readWritten } from './load.ts';
import { type ServingConfig, servingSchema } from './serving.ts';

/**
 * A serving configuration: defaults < config < flags.
 *
 * @throws CONFIG_INVALID (every mistake by its dotted path), CONFIG_UNREADABLE, FILE_MISSING
 */
export async function loadServing(config: string | object = {}, flags: object = {}): Promise<ServingConfig> {
  const source = `the serving configuration${typeof config === 'string' ? ` (${config})` : ''}`;
  const input = merge(await readWritten(config, source), flags);
  const parsed = servingSchema.safeParse(input);
  if (parsed.success) return parsed.data;
  throw error('CONFIG_INVALID', { source, problems: problemsOf(parsed.error.issues, input, servingSchema) });
}
