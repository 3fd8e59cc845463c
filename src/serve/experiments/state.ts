/** The experiments of a service: which there are, at which revision, and the file that keeps them over restarts. */
import { existsSync } from 'node:fs';
import { z } from 'zod';
import { error } from '../../base/errors/index.ts';
import { readDescription, writeFileAtomic } from '../../base/files.ts';
import { seal, unseal } from '../../base/seal.ts';
import { type ExperimentConfig, experimentsSchema } from '../../config/experiments.ts';
import { problemsOf } from '../../config/files/problems.ts';
import type { ServingConfig } from '../../config/serving.ts';
import { withVersion } from './versions.ts';

/** Files of this version are read. */
const VERSION = 1;

export interface ExperimentsState {
  /** One more with each change. */
  revision: number;
  experiments: ExperimentConfig[];
  /** Of each experiment each bucketVersion, also of those that have ended. */
  versions: ExperimentConfig[];
  /** Where the artifacts of arms that name one (`name@id`) came from. */
  artifacts: { model: string; path: string }[];
}

/** All experiments, or one that is changed or added. `revision`: the one that the change was made for. */
export type AskedExperiments = { revision?: number } & (
  | { experiments: ExperimentConfig[] }
  | { experiment: ExperimentConfig }
);

/**
 * The state after a change; the models are not looked at.
 *
 * @throws EXPERIMENTS_CHANGED, EXPERIMENT_MOVES, REQUEST_INVALID
 */
export function changedState(state: ExperimentsState, asked: AskedExperiments): ExperimentsState {
  const { revision: found, experiments: before, artifacts } = state;
  if (asked.revision !== undefined && asked.revision !== found)
    throw error('EXPERIMENTS_CHANGED', { expected: asked.revision, found });
  const input = 'experiments' in asked ? asked.experiments : replaced(before, asked.experiment);
  const parsed = experimentsSchema.safeParse(input);
  if (!parsed.success)
    throw error('REQUEST_INVALID', { problems: problemsOf(parsed.error.issues, input, experimentsSchema) });
  const versions = parsed.data.reduce(withVersion, state.versions);
  return { revision: found + 1, experiments: parsed.data, versions, artifacts };
}

const replaced = (experiments: readonly ExperimentConfig[], changed: ExperimentConfig): ExperimentConfig[] =>
  experiments.some(({ key }) => key === changed.key)
    ? experiments.map((known) => (known.key === changed.key ? changed : known))
    : [...experiments, changed];

/** The state with the places of those artifacts that its arms name. */
export function withArtifacts(
  state: ExperimentsState,
  known: readonly { model: string; path: string }[],
): ExperimentsState {
  const named = new Set(state.experiments.flatMap(({ arms }) => Object.values(arms).map(({ model }) => model)));
  const places = new Map([...state.artifacts, ...known].map(({ model, path }) => [model, path]));
  const artifacts = [...places].map(([model, path]) => ({ model, path })).filter(({ model }) => named.has(model));
  return { ...state, artifacts };
}

/**
 * What the file says, where there is one; else what the configuration says.
 *
 * @returns `isKept`: it comes from the file
 * @throws EXPERIMENTS_FILE, FILE_TOO_LARGE, FILE_UNREADABLE
 */
export function firstState({ experiments, experimentsFile: path }: ServingConfig): {
  state: ExperimentsState;
  isKept: boolean;
} {
  if (path !== undefined && existsSync(path)) return { state: readState(path), isKept: true };
  return { state: { revision: 1, experiments, versions: [...experiments], artifacts: [] }, isKept: false };
}

const fileSchema = z.strictObject({
  format: z.literal('tributary-experiments'),
  version: z.literal(VERSION),
  revision: z.int().min(1),
  experiments: experimentsSchema,
  // Several versions of one key: each entry is parsed on its own.
  versions: z.array(z.unknown()).transform((all) => all.map((each) => experimentsSchema.parse([each])[0])),
  artifacts: z.array(z.strictObject({ model: z.string(), path: z.string() })),
});

function readState(path: string): ExperimentsState {
  const text = readDescription(path, 'the experiments of a service');
  const wrong = (reason: string, cause?: unknown) => error('EXPERIMENTS_FILE', { path, reason }, cause);
  const opened = ((): ReturnType<typeof unseal> => {
    try {
      return unseal(text);
    } catch (cause) {
      throw wrong((cause as Error).message, cause);
    }
  })();
  if (!('value' in opened)) throw wrong('its checksum is another one');
  try {
    const { format: _, version: __, ...state } = fileSchema.parse(opened.value);
    return state;
  } catch (cause) {
    if (!(cause instanceof z.ZodError)) throw cause;
    const [{ path: at, message }] = problemsOf(cause.issues, opened.value, fileSchema);
    throw wrong(`${at}: ${message}`, cause);
  }
}

/** Throws DISK_FULL or FILE_UNWRITABLE; then the file is as it was. */
export function keepState(path: string | undefined, state: ExperimentsState): void {
  if (path === undefined) return;
  writeFileAtomic(path, seal({ format: 'tributary-experiments', version: VERSION, ...state }, 2));
}
