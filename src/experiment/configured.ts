/** The configuration of an experiment: in a serving configuration, or in a list of experiments as a service answers it. */
import { error } from '../base/errors/index.ts';
import { type ExperimentConfig, experimentsSchema } from '../config/experiments.ts';
import { problemsOf } from '../config/files/problems.ts';
import { readWritten } from '../config/load.ts';
import { loadServing } from '../config/load-serving.ts';

/**
 * @param file a serving configuration; or a file with nothing but `experiments` and what `GET /admin/experiments` adds
 * @throws EXPERIMENT_NOT_CONFIGURED, CONFIG_INVALID, CONFIG_UNREADABLE, FILE_MISSING
 */
export async function configuredExperiment(file: string, key: string): Promise<ExperimentConfig> {
  const found = await configuredExperiments(file);
  const own = found.find((one) => one.key === key);
  if (own !== undefined) return own;
  throw error('EXPERIMENT_NOT_CONFIGURED', { source: file, key, found: found.map((one) => one.key) });
}

/** All of a file. @throws CONFIG_INVALID, CONFIG_UNREADABLE, FILE_MISSING */
export async function configuredExperiments(file: string): Promise<ExperimentConfig[]> {
  const written = await readWritten(file, `the experiments (${file})`);
  const isServing = typeof written === 'object' && written !== null && !('revision' in written);
  if (isServing) return (await loadServing(file)).experiments;
  const { experiments } = written as { experiments?: unknown };
  const parsed = experimentsSchema.safeParse(experiments);
  if (parsed.success) return parsed.data;
  const problems = problemsOf(parsed.error.issues, experiments, experimentsSchema);
  throw error('CONFIG_INVALID', { source: `the experiments (${file})`, problems });
}
