/**
 * What a change of models means for clients: how the new artifact differs from the old one, and whether recorded requests
 * still work. The reports of several processes are added up.
 */

import { OUT_OF_VOCABULARY_ID, PADDING_ID, slotsOf } from '../../data/encode/ids.ts';
import type { ArtifactManifest } from '../../store/artifact/manifest.ts';
import type { RankRequest } from '../ranker/contract.ts';
import type { EncodedRequest } from '../ranker/rows.ts';

interface Names {
  added: string[];
  removed: string[];
}

/** How an artifact differs from the one that it replaces. */
export interface Changes {
  /** `changed`: fields of another kind, or with another number of values. */
  fields: Names & { changed: string[] };
  scenarios: Names;
  tasks: Names;
  /** Does the model read other sequences of the user? */
  sequences: 'same' | 'added' | 'removed' | 'changed';
}

/** Recorded requests, tried with the new artifact. */
export interface Recorded {
  requests: number;
  failing: number;
  /** For each added or removed field: the requests that give it. */
  given: Record<string, number>;
  /** For each field of both: its values, and those out of vocabulary with the old and the new artifact. */
  values: Record<string, { values: number; before: number; after: number }>;
}

/** The report of one process. */
export interface ChangeReport {
  changes?: Changes;
  recorded?: Recorded;
}

/** The report of all processes, as the admin routes show it. */
export interface ShownReport {
  changes?: Changes;
  recorded?: {
    requests: number;
    failing: number;
    /** Fields with more values out of vocabulary than before: shares of the values. */
    out_of_vocabulary: { field: string; before: number; after: number }[];
  };
  /** What to look at before the change is left in place. */
  warnings: string[];
}

const names = (before: readonly string[], after: readonly string[]): Names => ({
  added: after.filter((name) => !before.includes(name)),
  removed: before.filter((name) => !after.includes(name)),
});

export function changesOf(before: ArtifactManifest, after: ArtifactManifest): Changes {
  const nameOf = ({ name }: { name: string }): string => name;
  const known = new Map(before.data.fields.map((field) => [field.name, field]));
  const isOther = ({ name, kind, slots }: ArtifactManifest['data']['fields'][number]): boolean => {
    const field = known.get(name);
    return field !== undefined && (field.kind !== kind || field.slots !== slots);
  };
  return {
    fields: {
      ...names(before.data.fields.map(nameOf), after.data.fields.map(nameOf)),
      changed: after.data.fields.filter(isOther).map(nameOf),
    },
    scenarios: names(before.data.scenarios, after.data.scenarios),
    tasks: names(before.data.tasks, after.data.tasks),
    sequences: sequencesChange(before.data.sequences, after.data.sequences),
  };
}

function sequencesChange(
  before: ArtifactManifest['data']['sequences'],
  after: ArtifactManifest['data']['sequences'],
): Changes['sequences'] {
  if (before === undefined) return after === undefined ? 'same' : 'added';
  if (after === undefined) return 'removed';
  const isSame = before.itemField === after.itemField && String(before.types) === String(after.types);
  return isSame ? 'same' : 'changed';
}

/** A model that recorded requests are tried with. */
export interface Tried {
  manifest: ArtifactManifest;
  encode(request: RankRequest): EncodedRequest;
  tables(): { fields: ReadonlySet<string> } | undefined;
}

/** Encodes the requests with both models and counts; runs no graph. Skips the values of requests that either model refuses. */
export function comparedValues(
  requests: readonly RankRequest[],
  before: Tried,
  after: Tried,
  changes: Changes,
): Pick<Recorded, 'given' | 'values'> {
  const given = Object.fromEntries([...changes.fields.added, ...changes.fields.removed].map((name) => [name, 0]));
  const values: Recorded['values'] = Object.create(null); // a field may be called "constructor"
  for (const request of requests) {
    for (const name of Object.keys(given)) if (gives(request, name) || after.tables()?.fields.has(name)) given[name]++;
    const [old, now] = [before, after].map((model) => unknownValues(model, request));
    if (old === undefined || now === undefined) continue;
    for (const [name, counted] of now) {
      const was = old.get(name);
      if (was === undefined) continue;
      values[name] ??= { values: 0, before: 0, after: 0 };
      values[name].values += counted.values;
      values[name].before += was.unknown;
      values[name].after += counted.unknown;
    }
  }
  return { given, values };
}

const gives = ({ user = {}, context = {}, items }: RankRequest, name: string): boolean =>
  [user, context, ...items].some((part) => Object.hasOwn(part, name));

/** For each field: the values of a request's rows, and those out of vocabulary. Undefined if the model refuses the request. */
function unknownValues(
  { manifest, encode }: Tried,
  request: RankRequest,
): Map<string, { values: number; unknown: number }> | undefined {
  let encoded: EncodedRequest;
  try {
    encoded = encode(request);
  } catch {
    return undefined;
  }
  const { fields } = manifest.data;
  const width = slotsOf(fields);
  const counted = new Map<string, { values: number; unknown: number }>();
  let slot = 0;
  for (const { name, offset, slots } of fields) {
    const found = { values: 0, unknown: 0 };
    for (let row = 0; row < encoded.size; row++)
      for (let s = slot; s < slot + slots; s++) {
        const id = encoded.ids[row * width + s] - offset;
        if (id !== PADDING_ID) found.values++;
        if (id === OUT_OF_VOCABULARY_ID) found.unknown++;
      }
    counted.set(name, found);
    slot += slots;
  }
  return counted;
}

/** Adds up the reports of several processes. */
export function shownReport(reports: readonly ChangeReport[]): ShownReport {
  const changes = reports.find((report) => report.changes !== undefined)?.changes;
  const recorded = reports.flatMap((report) => report.recorded ?? []).reduce<Recorded | undefined>(added, undefined);
  if (changes === undefined || recorded === undefined) return { ...(changes && { changes }), warnings: [] };
  const share = (count: number, of: number): number => Math.round((1e4 * count) / of) / 1e4;
  const unknown = Object.entries(recorded.values)
    .filter(([, { before, after }]) => after > before)
    .map(([field, { values, before, after }]) => ({
      field,
      before: share(before, values),
      after: share(after, values),
    }));
  const { requests, failing } = recorded;
  return {
    changes,
    recorded: { requests, failing, out_of_vocabulary: unknown },
    warnings: warningsOf(changes, recorded, unknown),
  };
}

const own = <T>(record: Record<string, T>, key: string): T | undefined =>
  Object.hasOwn(record, key) ? record[key] : undefined;

function added(sum: Recorded | undefined, { requests, failing, given, values }: Recorded): Recorded {
  if (sum === undefined) return { requests, failing, given, values };
  const fields = new Set([...Object.keys(sum.values), ...Object.keys(values)]);
  const none = { values: 0, before: 0, after: 0 };
  return {
    requests: sum.requests + requests,
    failing: sum.failing + failing,
    given: Object.fromEntries(
      Object.entries(given).map(([name, count]) => [name, count + (own(sum.given, name) ?? 0)]),
    ),
    values: Object.fromEntries(
      [...fields].map((field) => {
        const [a, b] = [own(sum.values, field) ?? none, own(values, field) ?? none];
        return [field, { values: a.values + b.values, before: a.before + b.before, after: a.after + b.after }] as const;
      }),
    ),
  };
}

function warningsOf(
  { fields, scenarios, tasks, sequences }: Changes,
  { requests, failing, given }: Recorded,
  unknown: { field: string; before: number; after: number }[],
): string[] {
  const percent = (share: number): string => `${Math.round(1000 * share) / 10} %`;
  return [
    ...(failing === 0 ? [] : [`${failing} of ${requests} recorded requests fail with this artifact`]),
    ...fields.added.map(
      (name) =>
        `the field ${name} is new: ${given[name]} of ${requests} recorded requests give it, for all others it is unknown`,
    ),
    ...fields.removed.map(
      (name) =>
        `the field ${name} is gone: ${given[name]} of ${requests} recorded requests give it, which unknownFields: refuse refuses`,
    ),
    ...fields.changed.map((name) => `the field ${name} is of another kind or has another number of values`),
    ...scenarios.removed.map((name) => `the scenario ${name} is gone: its requests are refused`),
    ...tasks.removed.map((name) => `the task ${name} is gone from the probabilities of answers`),
    ...(sequences === 'same' ? [] : [`the sequences of the user that the model reads are ${WORDS[sequences]}`]),
    ...unknown.map(
      ({ field, before, after }) =>
        `${percent(after)} of the values of ${field} in recorded requests are out of vocabulary, ${percent(before)} before`,
    ),
  ];
}

const WORDS = { added: 'new', removed: 'gone', changed: 'different from before' } as const;
