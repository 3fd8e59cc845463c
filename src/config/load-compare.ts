/** Loads comparisons: every model with a run configuration of its own, all mistakes reported at once. */

import { isDeepStrictEqual } from 'node:util';
import { error, TributaryError } from '../base/errors/index.ts';
import { isRecord } from '../base/json.ts';
import { nearest } from '../base/nearest.ts';
import { shown } from '../base/shown.ts';
import { type CompareConfig, compareSchema, type ModelEntry, type ReferenceEntry } from './compare.ts';
import { readConfig } from './files/file.ts';
import { merge } from './files/override.ts';
import { type Problem, problemsOf } from './files/problems.ts';
import { type ConfigurableModels, loadModelFiles, loadRunConfig, readWritten } from './load.ts';
import type { Evaluation, RunConfig } from './run.ts';

export interface ComparedModel {
  label: string;
  /** Its seed is filled in for each training. */
  run: RunConfig;
  /** For references: what each training learns one of. */
  by?: 'task' | 'scenario';
}

export interface Comparison
  extends Omit<CompareConfig, 'models' | 'references' | 'defaults' | 'common' | 'grid' | 'data'> {
  data: string[];
  /** Models with every combination of their grids, then the references. */
  models: ComparedModel[];
  /** Label of one of them. */
  baseline: string;
  /** How all of them are measured. */
  evaluation: Evaluation;
}

type Models = ConfigurableModels;

/** What a model starts from without a preset, by its key. */
export type ModelDefaults = (model: string) => object;

/**
 * @param defaultsOfData the defaults that follow a prepared data set: for `defaults: data`
 * @throws CONFIG_INVALID (every mistake by its path), CONFIG_UNREADABLE, FILE_MISSING; errors of `defaultsOfData`
 */
export async function loadComparisonConfig(
  config: string | object,
  models: Models,
  defaultsOfData?: (data: string) => Promise<ModelDefaults>,
): Promise<Comparison> {
  const written = typeof config === 'string' ? await readConfig(config) : config;
  const input = withObjects(written);
  const parsed = compareSchema.safeParse(input);
  const source = `the comparison${typeof config === 'string' ? ` (${config})` : ''}`;
  if (!parsed.success)
    throw error('CONFIG_INVALID', { source, problems: problemsOf(parsed.error.issues, input, compareSchema) });

  const problems: Problem[] = [];
  const { models: entries, references, common, grid, data, baseline, defaults: _, ...rest } = parsed.data;
  const defaults = await defaultsFor(parsed.data, problems, defaultsOfData);
  const compared: ComparedModel[] = [];
  for (const [i, entry] of entries.entries())
    compared.push(
      ...(await variants(entry, `models.${i}`, { common, grid, models, defaults, threads: rest.threads, problems })),
    );
  for (const [i, entry] of references.entries()) {
    const context = { common, grid: {}, models, defaults, threads: rest.threads, problems };
    for (const variant of await variants(entry, `references.${i}`, context))
      compared.push({ ...variant, by: entry.by });
  }
  problems.push(...labelProblems(compared), ...baselineProblems(baseline, compared), ...evaluationProblems(compared));
  if (problems.length > 0) throw error('CONFIG_INVALID', { source, problems });
  return {
    ...rest,
    data: typeof data === 'string' ? [data] : data,
    models: compared,
    baseline: baseline ?? compared[0].label,
    evaluation: compared[0].run.evaluate,
  };
}

/** Undefined: those of the models. */
async function defaultsFor(
  { defaults, data }: CompareConfig,
  problems: Problem[],
  defaultsOfData: ((data: string) => Promise<ModelDefaults>) | undefined,
): Promise<ModelDefaults | undefined> {
  if (defaults === 'model') return undefined;
  const [only, ...others] = typeof data === 'string' ? [data] : data;
  if (others.length === 0 && defaultsOfData !== undefined) return defaultsOfData(only);
  const message =
    others.length > 0
      ? '"data" needs a single data set: compare on one at a time'
      : '"data" needs the function `defaultsOfData` of tributary-ranker/train';
  problems.push({ path: 'defaults', message });
  return undefined;
}

/** `- mmoe` stands for `- { model: mmoe }`. */
function withObjects(written: unknown): unknown {
  if (!isRecord(written) || !Array.isArray(written.models)) return written;
  return { ...written, models: written.models.map((entry) => (typeof entry === 'string' ? { model: entry } : entry)) };
}

interface Context {
  common: object;
  grid: Record<string, unknown[]>;
  models: Models;
  defaults: ModelDefaults | undefined;
  threads: number;
  problems: Problem[];
}

/** Combinations of an entry's grid. */
const MOST_POINTS = 10_000;

/** The model of an entry with each combination of its grid; none where the entry is wrong. */
async function variants(entry: ModelEntry | ReferenceEntry, at: string, context: Context): Promise<ComparedModel[]> {
  const written = await writtenRun(entry, at, context);
  if (written === undefined) return [];
  const { key } = (written as { model: { key: string } }).model;
  const suffix = 'by' in entry ? ` (one ${entry.by})` : '';
  const label = entry.label ?? `${key}${suffix}`;
  const grid = { ...context.grid, ...('grid' in entry ? entry.grid : {}) };
  const found: ComparedModel[] = [];
  const points = Object.values(grid).reduce((product, values) => product * values.length, 1);
  if (points > MOST_POINTS) {
    context.problems.push({ path: `${at}.grid`, message: `${points} combinations: expected at most ${MOST_POINTS}` });
    return [];
  }
  for (const point of combinations(grid)) {
    const set = point.map(([path, value]) => `${path}=${JSON.stringify(value)}`);
    const { models, defaults } = context;
    const sources = { models, defaults, preset: entry.preset, config: written, set };
    const run = await collect(loadRunConfig({ ...sources, flags: { threads: context.threads } }), at, context.problems);
    if (run === undefined) break; // the mistakes of other combinations would be the same
    const name = point
      .map(
        ([path, value]) =>
          ` ${path.slice(path.lastIndexOf('.') + 1)}=${typeof value === 'string' ? value : shown(value)}`,
      )
      .join('');
    found.push({ label: label + name, run });
  }
  return found;
}

/** What an entry writes of its run, with a known model; undefined, and the mistake reported, without. */
async function writtenRun(
  { model, config, options = {} }: ModelEntry | ReferenceEntry,
  at: string,
  { common, models, problems }: Context,
): Promise<object | undefined> {
  const file = config === undefined ? {} : await collect(readWritten(config), `${at}.config`, problems);
  if (file === undefined) return undefined;
  const written = [file, options].reduce<object>((lower, upper) => merge(lower, upper) as object, common);
  await loadModelFiles(written, models);
  const own = (written as { model?: { key?: unknown } }).model?.key;
  const key = model ?? own;
  if (typeof key !== 'string') {
    problems.push({ path: `${at}.model`, message: 'is missing: expected the key of a model' });
    return undefined;
  }
  if (!models.has(key)) {
    const known = [...models.keys()];
    const message = `there is no model "${key}"; the nearest is ${nearest(key, known)} (models: ${known.join(', ')})`;
    problems.push({ path: `${at}.model`, message });
    return undefined;
  }
  if (own !== undefined && own !== key) {
    const message = `expected a configuration of ${key}, found one of ${shown(own)}`;
    problems.push({ path: config === undefined ? `${at}.options` : `${at}.config`, message });
    return undefined;
  }
  for (const path of reserved(merge(common, options)))
    problems.push({ path: `${at}.options`, message: `sets ${path}, which the comparison sets itself` });
  return merge(written, { model: { key } }) as object;
}

/** Options that are written here although the comparison fills them in; in a file they are overridden. */
function reserved(written: unknown): string[] {
  const { seed, threads, warmStart, warmStartData, train } = written as Record<string, unknown>;
  const { tasks, scenarios } = (isRecord(train) ? train : {}) as Record<string, unknown>;
  const found = { seed, threads, warmStart, warmStartData, 'train.tasks': tasks, 'train.scenarios': scenarios };
  return Object.entries(found).flatMap(([path, value]) => (value === undefined ? [] : [path]));
}

/** Waits for a value; a mistake becomes problems under `at`. */
async function collect<T>(value: Promise<T>, at: string, problems: Problem[]): Promise<T | undefined> {
  try {
    return await value;
  } catch (cause) {
    if (!(cause instanceof TributaryError)) throw cause;
    if (cause.code !== 'CONFIG_INVALID') problems.push({ path: at, message: cause.message });
    else
      for (const { path, message } of (cause.details as { problems: Problem[] }).problems)
        problems.push({ path: [at, path.replace(/^--/, '')].filter(Boolean).join('.'), message });
    return undefined;
  }
}

/** Every choice of one value per path, the last path changing fastest. */
const combinations = (grid: Record<string, unknown[]>): [string, unknown][][] =>
  Object.entries(grid).reduce<[string, unknown][][]>(
    (points, [path, values]) =>
      points.flatMap((point) => values.map((value) => [...point, [path, value] as const])) as [string, unknown][][],
    [[]],
  );

function labelProblems(models: readonly ComparedModel[]): Problem[] {
  const labels = models.map(({ label }) => label);
  const twice = new Set(labels.filter((label, i) => labels.indexOf(label) !== i));
  return [...twice].map((label) => ({
    path: 'models',
    message: `"${label}" is the label of several models: give each a label of its own`,
  }));
}

function baselineProblems(baseline: string | undefined, models: readonly ComparedModel[]): Problem[] {
  const labels = models.map(({ label }) => label);
  if (baseline === undefined || labels.length === 0 || labels.includes(baseline)) return [];
  const message = `there is no model labelled "${baseline}"; the nearest is "${nearest(baseline, labels)}"`;
  return [{ path: 'baseline', message }];
}

/** Means over different cells cannot be compared. */
function evaluationProblems([first, ...others]: readonly ComparedModel[]): Problem[] {
  const differs = others.filter(({ run }) => !isDeepStrictEqual(run.evaluate, first.run.evaluate));
  return differs.map(({ label }) => ({
    path: 'models',
    message: `"${label}" is measured otherwise than "${first.label}" (evaluate): give it once, in \`common\``,
  }));
}
