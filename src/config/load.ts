/** Loads configurations: layers put together, checked as a whole, frozen. All mistakes are reported at once. */

import { z } from 'zod';
import { error } from '../base/errors/index.ts';
import { isRecord } from '../base/json.ts';
import { shown } from '../base/shown.ts';
import { type DatasetConfig, datasetSchema } from './dataset.ts';
import { asPlain, readConfig } from './files/file.ts';
import { applySettings, merge, parseSettings } from './files/override.ts';
import { type Problem, problemsOf } from './files/problems.ts';
import { DEFAULT_GROUPS, type RunConfig, runSchema, runSchemaOf } from './run.ts';

/** What the loader needs to know of a model. */
export interface ConfigurableModel {
  options: z.ZodType;
  /** What a run's `train` starts from instead of the schema's defaults. */
  trainDefaults?: Readonly<Record<string, unknown>>;
  /** Named partial run configurations. */
  presets: Readonly<Record<string, unknown>>;
}

/** The models there are, by key. */
export interface ConfigurableModels extends ReadonlyMap<string, ConfigurableModel> {
  /** Adds those that module files export. */
  loadFiles?: (files: readonly string[]) => Promise<void>;
}

export interface RunSources {
  models: ConfigurableModels;
  /** What a run without a preset starts from instead of the model's defaults, by the model's key and the run of a warm start. */
  defaults?: (model: string, warmStart: unknown) => object;
  /** Name of a preset of the model. */
  preset?: string;
  /** A file or a configuration already read. */
  config?: string | object;
  /** A partial configuration from the command's own options (`--model`, `--seed` ...). */
  flags?: object;
  /** `path=value` texts. */
  set?: readonly string[];
}

/**
 * A run's configuration: defaults < those of the model < preset, or `defaults` without one < config < flags < set.
 *
 * @throws CONFIG_INVALID (every mistake by its dotted path), CONFIG_UNREADABLE, FILE_MISSING
 */
export async function loadRunConfig({ config = {}, ...sources }: RunSources): Promise<RunConfig> {
  const source = describe('the run configuration', config);
  const written = await readWritten(config);
  await loadModelFiles(merge(written, sources.flags ?? {}), sources.models);
  return resolveRun({ ...sources, config: written, source });
}

/** Do these sources say which model to train? */
export async function namesModel({
  config = {},
  flags = {},
  set = [],
}: Pick<RunSources, 'config' | 'flags' | 'set'>): Promise<boolean> {
  const written = merge(await readWritten(config), flags);
  const isWritten = isRecord(written) && isRecord(written.model) && written.model.key !== undefined;
  return isWritten || set.some((text) => text.startsWith('model.key='));
}

/** Makes the models of a configuration's module files known, before it is checked: its options are theirs. */
export async function loadModelFiles(run: unknown, models: ConfigurableModels): Promise<void> {
  const files = isRecord(run) ? run.modelFiles : undefined;
  if (Array.isArray(files) && files.every((file) => typeof file === 'string')) await models.loadFiles?.(files);
}

/** The same of a configuration already read. */
export function resolveRun({
  models,
  defaults = () => ({}),
  preset,
  config,
  flags = {},
  set = [],
  source = 'the run configuration',
}: Omit<RunSources, 'config'> & { config: object; source?: string }): RunConfig {
  const written = merge(config, flags);
  const key = modelKey(written, set) ?? '';
  const model = models.get(key);
  const unknownModel = z.looseObject({ key: z.enum([...models.keys()]) });
  const schema = runSchemaOf(model?.options ?? unknownModel);
  const problems: Problem[] = [];
  const base = { model: {}, train: { groups: DEFAULT_GROUPS } };
  const { warmStart } = written as { warmStart?: unknown };
  const start =
    preset === undefined && model !== undefined ? defaults(key, warmStart) : presetLayer(model, preset, problems);
  const layers = [base, { train: model?.trainDefaults ?? {} }, start, written];
  return resolve({ schema, layers, set, problems, source });
}

/**
 * A dataset configuration from a file or an object.
 *
 * @throws CONFIG_INVALID (every mistake by its dotted path), CONFIG_UNREADABLE, FILE_MISSING
 */
export async function loadDatasetConfig(config: string | object, set: readonly string[] = []): Promise<DatasetConfig> {
  const layers = [await readWritten(config)];
  return resolve({
    schema: datasetSchema,
    layers,
    set,
    problems: [],
    source: describe('the dataset configuration', config),
  });
}

function resolve<T>(a: {
  schema: z.ZodType<T>;
  layers: unknown[];
  set: readonly string[];
  problems: Problem[];
  source: string;
}): T {
  const { settings, problems } = parseSettings(a.set, a.schema);
  const input = applySettings(a.layers.reduce(merge), settings, a.schema);
  const parsed = a.schema.safeParse(input);
  const found = parsed.success ? [] : problemsOf(parsed.error.issues, input, a.schema);
  const all = [...a.problems, ...problems, ...found];
  if (!parsed.success || all.length > 0) throw error('CONFIG_INVALID', { source: a.source, problems: all });
  return deepFreeze(parsed.data);
}

/**
 * What is written, at least an object: only that can be put into layers. An empty file says nothing.
 *
 * @param source what mistakes name
 */
export async function readWritten(
  config: string | object,
  source = describe('the configuration', config),
): Promise<object> {
  const written = typeof config === 'string' ? ((await readConfig(config)) ?? {}) : asPlain(config, source);
  if (isRecord(written)) return written;
  const problem = { path: '', message: `expected an object, found ${shown(written)}` };
  throw error('CONFIG_INVALID', { source, problems: [problem] });
}

const describe = (what: string, config: string | object): string =>
  typeof config === 'string' ? `${what} (${config})` : what;

/** The key that the layers end up with; presets do not name models. */
function modelKey(written: unknown, set: readonly string[]): string | undefined {
  const { settings } = parseSettings(
    set.filter((text) => text.startsWith('model.key=')),
    runSchema,
  );
  const { model } = applySettings(written, settings, runSchema) as { model?: { key?: unknown } };
  return typeof model?.key === 'string' ? model.key : undefined;
}

function presetLayer(model: ConfigurableModel | undefined, preset: string | undefined, problems: Problem[]): unknown {
  if (preset === undefined || model === undefined) return {};
  if (Object.hasOwn(model.presets, preset)) return model.presets[preset];
  const known = Object.keys(model.presets).join(', ') || 'none';
  problems.push({ path: '--preset', message: `the model has no preset "${preset}" (presets: ${known})` });
  return {};
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    Object.values(value).forEach(deepFreeze);
    Object.freeze(value);
  }
  return value;
}
