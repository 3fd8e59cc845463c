/** Loads tuning configurations, and makes the run configurations of trials out of them. */

import { error } from '../base/errors/index.ts';
import { isRecord } from '../base/json.ts';
import { shown } from '../base/shown.ts';
import { applySettings, merge, parseSettings } from './files/override.ts';
import { type Problem, problemsOf } from './files/problems.ts';
import { type ConfigurableModels, loadModelFiles, readWritten, resolveRun } from './load.ts';
import { type RunConfig, runSchema } from './run.ts';
import { conditionSchema, type Json, type Parameter, parameterSchema, type TuneConfig, tuneSchema } from './tune.ts';

type Models = ConfigurableModels;

/**
 * A tuning configuration, whose every parameter with every bound and choice is one that a run may have.
 *
 * @throws CONFIG_INVALID (every mistake by its dotted path), CONFIG_UNREADABLE, FILE_MISSING
 */
export async function loadTuneConfig(
  config: string | object,
  { models, set = [] }: { models: Models; set?: readonly string[] },
): Promise<TuneConfig> {
  const written = await readWritten(config);
  const { settings, problems } = parseSettings(set, tuneSchema);
  const input = applySettings(written, settings, tuneSchema);
  if (isRecord(input)) await loadModelFiles(input.options, models);
  const parsed = tuneSchema.safeParse(input);
  const found = [
    ...problems,
    ...(parsed.success ? [] : problemsOf(parsed.error.issues, input, tuneSchema)),
    ...(isRecord(input) ? runProblems(input, models) : []),
  ];
  if (parsed.success && found.length === 0) return parsed.data;
  const source = `the tuning configuration${typeof config === 'string' ? ` (${config})` : ''}`;
  throw error('CONFIG_INVALID', { source, problems: found });
}

/** What parameters are set in. */
type Base = Pick<TuneConfig, 'model' | 'preset' | 'options'>;

/**
 * The run of a trial: parameters set in its base, on one thread unless the options say otherwise, since trials run side by side.
 *
 * @throws CONFIG_INVALID where they do not go together
 */
export const trialRun = (base: Base, models: Models, parameters: Record<string, Json>): RunConfig =>
  resolveRun({
    models,
    preset: base.preset,
    config: merge({ threads: 1 }, written(base)) as object,
    set: settingsOf(parameters),
  });

/** The same as a user would write it, the preset put in and defaults left out. */
export function writtenRun(base: Base, models: Models, parameters: Record<string, Json>): object {
  const { key } = trialRun(base, models, parameters).model;
  const layers = merge(models.get(key)?.presets[base.preset ?? ''], written(base));
  const settings = Object.entries(parameters).map(([path, value]) => ({ path: path.split('.'), value }));
  return applySettings(layers, settings, runSchema) as object;
}

const written = ({ model, options }: Base): object =>
  model === undefined ? options : (merge(options, { model: { key: model } }) as object);

const settingsOf = (parameters: Record<string, Json>): string[] =>
  Object.entries(parameters).map(([path, value]) => `${path}=${JSON.stringify(value)}`);

/** Not for a search: what trials are compared by, and what makes them comparable. */
const FIXED: Record<string, string> = {
  seed: 'trials share a seed; to see how much the seed matters, train the best configuration with several',
  'train.monitor': 'trials are compared by it',
};

function fixedProblems(path: string): Problem[] {
  const isMeasure = path === 'evaluate' || path.startsWith('evaluate.');
  const why = isMeasure ? 'trials are compared by it' : Object.hasOwn(FIXED, path) ? FIXED[path] : undefined;
  return why === undefined ? [] : [{ path: '', message: `cannot be searched: ${why}` }];
}

/** Mistakes of the base, and of every parameter as a part of it. Mistakes within an entry are reported elsewhere. */
function runProblems(input: Record<string, unknown>, models: Models): Problem[] {
  const text = (value: unknown): string | undefined => (typeof value === 'string' ? value : undefined);
  const options = isRecord(input.options) ? input.options : {};
  const base: Base = { model: text(input.model), preset: text(input.preset), options };
  const space = isRecord(input.space) ? input.space : {};
  const all = new Map(Object.entries(space).map(([path, entry]) => [path, entryOf(entry)]));
  /** Mistakes of a run with these values. */
  const tryOut = (parameters: Record<string, Json>): Problem[] => {
    try {
      trialRun(base, models, parameters);
      return [];
    } catch (cause) {
      return (cause as { details: { problems: Problem[] } }).details.problems;
    }
  };
  // Which options there are depends on the model, which may be searched itself.
  const keys = all.get(MODEL_KEY)?.choices;
  // What a parameter sets need not be right, or there at all, in the base.
  const ofBase = tryOut(keys === undefined ? {} : { [MODEL_KEY]: keys[0] }).filter(
    ({ path }) => !Object.hasOwn(space, path),
  );
  const unknownModel = ofBase.some(({ path }) => path === MODEL_KEY);
  const checked = [...all].filter(([path]) => !(unknownModel && path.startsWith('model.')));
  return [
    ...ofBase.map(({ path, message }) => ({ path: placeOf(path, base), message })),
    ...checked.flatMap(([path, entry]) =>
      [
        ...fixedProblems(path),
        ...overlaps(path, [...all.keys()]),
        ...conditionProblems(path, entry, all),
        ...distinct(surroundings(path, entry, keys).flatMap((beside) => valueProblems(path, entry, beside, tryOut))),
      ].map((problem) => ({ path: join(`space.${path}`, problem.path), message: problem.message })),
    ),
  ];
}

/** An entry as far as it is right: of one that is wrong in itself only path and conditions can be checked. */
function entryOf(entry: unknown): Parameter {
  const parsed = parameterSchema.safeParse(entry);
  if (parsed.success) return parsed.data;
  const when = conditionSchema.safeParse(isRecord(entry) ? entry.when : undefined);
  return { log: false, int: false, when: when.data };
}

const MODEL_KEY = 'model.key';

/** Where a mistake of the base is written. */
function placeOf(path: string, { model }: Base): string {
  if (path === '--preset') return 'preset';
  return path === MODEL_KEY && model !== undefined ? 'model' : join('options', path);
}

const distinct = (problems: Problem[]): Problem[] => [
  ...new Map(problems.map((problem) => [JSON.stringify(problem), problem])).values(),
];

const join = (...parts: string[]): string => parts.filter((part) => part !== '').join('.');

/** Values that stand for all of a parameter, and where they are written: a range's ends, and a number that is not whole. */
function samples({ low, high, int, choices }: Parameter): [string, Json][] {
  if (choices !== undefined) return choices.map((choice, i) => [`choices.${i}`, choice]);
  if (low === undefined || high === undefined) return [['', null]];
  const ends: [string, Json][] = [
    ['low', low],
    ['high', high],
  ];
  return int ? ends : [...ends, ['', low + (high - low) / Math.PI]];
}

/** Values under which a parameter is searched: one set for each model that it may meet. */
function surroundings(path: string, { when = {} }: Parameter, keys: Json[] | undefined): Record<string, Json>[] {
  const condition = Object.fromEntries(Object.entries(when).map(([other, [value]]) => [other, value]));
  if (keys === undefined || path === MODEL_KEY) return [condition];
  return (when[MODEL_KEY] ?? keys).map((key) => ({ ...condition, [MODEL_KEY]: key }));
}

function overlaps(path: string, others: string[]): Problem[] {
  const outer = others.find((other) => path.startsWith(`${other}.`));
  return outer === undefined ? [] : [{ path: '', message: `is a part of ${outer}, which is searched, too` }];
}

function conditionProblems(path: string, { when = {} }: Parameter, all: Map<string, Parameter>): Problem[] {
  const before = [...all.keys()].slice(0, [...all.keys()].indexOf(path));
  return Object.entries(when).flatMap(([other, values]) => {
    const at = `when.${other}`;
    const choices = all.get(other)?.choices;
    if (!before.includes(other) || choices === undefined)
      return [{ path: at, message: 'expected a parameter with choices that stands before this one' }];
    const known = new Set(choices.map((choice) => JSON.stringify(choice)));
    const unknown = values.filter((value) => !known.has(JSON.stringify(value)));
    return unknown.map((value) => ({ path: at, message: `${shown(value)} is not one of its choices` }));
  });
}

/** Each bound and each choice, as a run would take it. */
function valueProblems(
  path: string,
  entry: Parameter,
  beside: Record<string, Json>,
  tryOut: (parameters: Record<string, Json>) => Problem[],
): Problem[] {
  const own = samples(entry).flatMap(([at, value]) =>
    tryOut({ ...beside, [path]: value })
      .filter((problem) => problem.path === path || problem.path.startsWith(`${path}.`))
      .map((problem) => ({ ...problem, at })),
  );
  // An unknown path is wrong whatever the value; what is reported of the ends of a range is not repeated for its middle.
  const unknown = own.find((problem) => problem.path === path && problem.message.startsWith('there is no such option'));
  if (unknown !== undefined) return [{ path: '', message: unknown.message }];
  const found = own.map((problem) => ({
    path: join(problem.at, problem.path.slice(path.length + 1)),
    message: problem.message,
  }));
  const [ends, middle] = [found.filter(({ path: at }) => at !== ''), found.filter(({ path: at }) => at === '')];
  if (ends.length > 0 || middle.length === 0 || entry.low === undefined) return ends;
  return [{ path: '', message: `${middle[0].message}; for whole numbers write int: true` }];
}
