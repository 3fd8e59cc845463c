/** What a join makes of a log: the configuration put together with the artifact that served, and checked against it. */
import { error } from '../../base/errors/index.ts';
import { canonicalJson, sha256 } from '../../base/hash.ts';
import { nearest } from '../../base/nearest.ts';
import { fieldSchema } from '../../config/dataset/fields.ts';
import { type FieldConfig, isRate, type ValueField, valueFields } from '../../config/dataset.ts';
import type { Problem } from '../../config/files/problems.ts';
import type { JoinConfig } from '../../config/join.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import { manifestIn } from '../../store/artifact/manifest-file.ts';

/** The parts of an artifact's manifest that a join needs. */
export type ServedModel = Pick<ArtifactManifest, 'name' | 'id' | 'data'>;

export interface JoinTask {
  name: string;
  /** Of the interactions. */
  type: string;
  /** Milliseconds. */
  window: number;
  atLeast?: number;
}

export interface JoinField {
  /** As in a dataset configuration, for a column of the field's name. */
  config: ValueField;
  /** Of a field that is the scenario under another name: its value by scenario, used where a request gives none. */
  byScenario?: ReadonlyMap<string, string>;
}

/** Interactions that fill sequences. */
export interface JoinHistory {
  /** Place of the type in the artifact's sequences. */
  index: number;
  /** Of the interactions. */
  type: string;
  atLeast?: number;
}

export interface JoinPlan {
  config: JoinConfig;
  artifact: { name: string; id: string };
  dataName: string;
  scenarios: readonly string[];
  /** Fields that are the scenario under another name, and the values of the scenarios there. */
  scenarioFields: { names: readonly string[]; values: readonly string[] } | undefined;
  models: readonly string[];
  /** In the order of the artifact. */
  tasks: readonly JoinTask[];
  /** Fields that rows have, in the order of the artifact. */
  fields: readonly JoinField[];
  /** The configurations of these fields and of the rates that follow from them, in that order. */
  dataFields: readonly FieldConfig[];
  /** Of the rows. */
  sequences: ServedModel['data']['sequences'];
  /** The field of the sequences' items. */
  itemField: ValueField | undefined;
  history: readonly JoinHistory[];
  /** Equal plans make equal rows of a log. */
  hash: string;
}

/** Reads the manifest of an artifact. Throws ARTIFACT_NOT_FOUND and what else is wrong with one. */
export const readServedModel = (folder: string): ServedModel => manifestIn(folder);

/**
 * @param source what mistakes name
 * @throws CONFIG_INVALID with every mistake by its path
 */
export function planJoin(config: JoinConfig, served: ServedModel, source: string): JoinPlan {
  const problems = [
    ...taskProblems(config, served),
    ...fieldProblems(config, served),
    ...sequenceProblems(config, served),
    ...columnProblems(served),
  ];
  if (problems.length > 0) throw error('CONFIG_INVALID', { source, problems });
  const { name, id, data } = served;
  const { scenarioFields } = data;
  const dataFields = data.fields
    .filter((field) => !config.leaveOut.includes(field.name))
    .map((field) => fieldOf(field.config, field.edges, config));
  const kept = valueFields(dataFields);
  const keptNames = scenarioFields?.names.filter((one) => !config.leaveOut.includes(one)) ?? [];
  const sequences = config.leaveOut.includes(SEQUENCES) ? undefined : data.sequences;
  const parts = {
    dataName: config.name ?? data.name,
    scenarios: data.scenarios,
    scenarioFields:
      scenarioFields === undefined || keptNames.length === 0 ? undefined : { ...scenarioFields, names: keptNames },
    models: config.models ?? [name],
    sequences,
    history: (sequences?.types ?? []).flatMap((type, index) => {
      const { [type]: filled } = config.sequences;
      return filled === undefined ? [] : [{ index, type: filled.type ?? type, atLeast: filled.atLeast }];
    }),
    tasks: data.tasks.map((task) => ({ ...config.tasks[task], name: task, type: config.tasks[task].type ?? task })),
    fields: kept.map(({ field }) => ({
      config: field,
      ...(keptNames.includes(field.name) && {
        byScenario: new Map(data.scenarios.map((scenario, s) => [scenario, scenarioFields?.values[s] ?? ''])),
      }),
    })),
  };
  const { artifact: _, ...settings } = config;
  const fields = parts.fields.map(({ config: field }) => field);
  const hash = sha256(canonicalJson({ layout: 1, settings, ...parts, fields }));
  const itemField = fields.find(({ name: field }) => field === sequences?.itemField);
  return { ...parts, itemField, dataFields, config, artifact: { name, id }, hash };
}

/** Rows have the values that expressions gave, in columns named as the fields; buckets stay those of the artifact. */
function fieldOf(given: object, edges: readonly number[] | undefined, { split }: JoinConfig): FieldConfig {
  const configured = fieldSchema.parse(given);
  if (isRate(configured)) {
    const { from, ...rate } = configured;
    return from === undefined || (from === 'earlier' && split.kind !== 'time') ? rate : configured;
  }
  const { expression: _, ...field } = configured;
  return field.kind === 'numeric' && edges !== undefined && edges.length > 0
    ? { ...field, buckets: { edges: [...edges] } }
    : field;
}

function taskProblems({ tasks }: JoinConfig, { data }: ServedModel): Problem[] {
  const known = `tasks: ${data.tasks.join(', ')}`;
  return [
    ...Object.keys(tasks).flatMap((task) => {
      if (data.tasks.includes(task)) return [];
      const message = `the artifact has no task "${task}"; the nearest is "${nearest(task, data.tasks)}" (${known})`;
      return [{ path: `tasks.${task}`, message }];
    }),
    ...data.tasks.flatMap((task) =>
      Object.hasOwn(tasks, task)
        ? []
        : [{ path: `tasks.${task}`, message: 'is missing: expected its window, as { window: 30m }' }],
    ),
  ];
}

/** Stands for the sequences of an artifact, which has no field of that name then. */
export const SEQUENCES = 'sequences';

function fieldProblems({ leaveOut }: JoinConfig, { data }: ServedModel): Problem[] {
  const names = data.fields.map(({ name }) => name);
  const unknown = leaveOut.flatMap((field, i) => {
    if (names.includes(field) || (field === SEQUENCES && data.sequences !== undefined)) return [];
    const message = `the artifact has no field "${field}"; the nearest is "${nearest(field, names)}"`;
    return [{ path: `leaveOut.${i}`, message }];
  });
  if (unknown.length === 0 && names.every((field) => leaveOut.includes(field)))
    return [{ path: 'leaveOut', message: 'names every field of the artifact: keep one at least' }];
  for (const { name, rates } of data.fields)
    for (const of of rates?.of ?? [])
      if (leaveOut.includes(of) && !leaveOut.includes(name))
        unknown.push({ path: 'leaveOut', message: `"${name}" is a rate of "${of}": leave it out, too` });
  const { itemField } = data.sequences ?? {};
  if (itemField !== undefined && leaveOut.includes(itemField) && !leaveOut.includes(SEQUENCES))
    unknown.push({ path: 'leaveOut', message: `"${itemField}" is the item of the sequences: leave these out, too` });
  return unknown;
}

function sequenceProblems({ sequences, leaveOut }: JoinConfig, { data }: ServedModel): Problem[] {
  const types = leaveOut.includes(SEQUENCES) ? [] : (data.sequences?.types ?? []);
  return Object.keys(sequences)
    .filter((type) => !types.includes(type))
    .map((type) => ({
      path: `sequences.${type}`,
      message: types.length === 0 ? NO_SEQUENCES : `the artifact has no such sequences; it has ${types.join(', ')}`,
    }));
}

const NO_SEQUENCES = 'the rows have no sequences: the model of the artifact reads none, or leaveOut names them';

/** Columns of the rows that are no fields. */
const OWN_COLUMN = /^(log|label|state|delay|sequence)_/i;

function columnProblems({ data }: ServedModel): Problem[] {
  return data.fields
    .filter(({ name }) => OWN_COLUMN.test(name))
    .map(({ name }) => ({
      path: 'artifact',
      message: `its field "${name}" needs another name: join writes columns of its own that begin so`,
    }));
}
