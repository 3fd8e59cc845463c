/**
 * Rows of one prepared data set as another one would have encoded them: fields, scenarios, tasks and sequences go by their names,
 * ids by the texts of their tokens. What the other vocabulary does not have is out of vocabulary.
 */
import { closable } from '../../base/disposal.ts';
import { error } from '../../base/errors/index.ts';
import type { FieldConfig, SplitName } from '../../config/dataset.ts';
import {
  firstSlots,
  OUT_OF_VOCABULARY_ID,
  PADDING_ID,
  type PreparedField,
  RESERVED_IDS,
  slotsOf,
} from '../encode/ids.ts';
import { hashedId } from '../encode/tokens.ts';
import type { Batch, BatchOptions, Manifest, PreparedData, SplitReader } from './prepared.ts';

export interface TranslatedData {
  hasGroup: boolean;
  open(split: SplitName): Promise<SplitReader>;
}

/**
 * @param rows the data set that is read
 * @param as the data set whose encoding its rows are to have
 * @param reader names who asks, for messages
 * @throws MODEL_MISFIT where fields are missing or of another kind, buckets or hashes differ, or no task is common to both
 */
export async function translateData(rows: PreparedData, as: PreparedData, reader: string): Promise<TranslatedData> {
  const [from, to] = [rows.manifest, as.manifest];
  const misfit = (problems: string[]) => error('MODEL_MISFIT', { model: reader, data: rows.folder, problems });
  const problems = [...to.fields.flatMap(({ name }) => fieldProblems(name, from, to)), ...otherProblems(from, to)];
  if (problems.length > 0) throw misfit(problems);
  const plan = await planRows(rows, as);
  const unknown = (scenario: number) =>
    misfit([`rows of scenario "${from.scenarios[scenario]}", which the model does not know`]);
  return {
    hasGroup: from.hasGroup,
    async open(split) {
      const source = await rows.open(split);
      return {
        ...closable,
        rows: source.rows,
        close: () => source.close(),
        async *batches(options: BatchOptions) {
          const room = emptyBatch(plan, options.batchSize);
          for await (const batch of source.batches(options)) yield translate(plan, batch, room, unknown);
        },
      };
    },
  };
}

const configOf = ({ config }: Manifest, name: string): FieldConfig | undefined =>
  config.fields.find((field) => field.name === name);
const hashOf = (config: FieldConfig | undefined): number | undefined =>
  config !== undefined && 'hash' in config ? config.hash : undefined;

function fieldProblems(name: string, from: Manifest, to: Manifest): string[] {
  const [there, here] = [from, to].map(({ fields }) => fields.find((field) => field.name === name));
  if (here === undefined) return [];
  if (there === undefined) return [`no field "${name}"`];
  if (there.kind !== here.kind) return [`a ${there.kind} field "${name}", the model a ${here.kind} one`];
  if (JSON.stringify(there.edges) !== JSON.stringify(here.edges))
    return [
      `other buckets of "${name}" than the model was trained with: prepare it with --vocabulary-from the model's data set, or evaluate the raw file with --input`,
    ];
  const [hashThere, hashHere] = [from, to].map((manifest) => hashOf(configOf(manifest, name)));
  if (hashThere !== undefined && hashThere !== hashHere)
    return [
      `ids of "${name}" that are hashes into ${hashThere}, the model ${hashHere === undefined ? 'a vocabulary' : `hashes into ${hashHere}`}: their texts are not known`,
    ];
  return [];
}

function otherProblems(from: Manifest, to: Manifest): string[] {
  const none = to.tasks.every((task) => !from.tasks.includes(task));
  const [there, here] = [from.sequences, to.sequences];
  return [
    ...(none ? [`none of the tasks ${to.tasks.join(', ')}`] : []),
    ...(there === undefined || here === undefined || there.itemField === here.itemField
      ? []
      : [`sequences of "${there.itemField}", the model of "${here.itemField}"`]),
    ...(here?.types ?? [])
      .filter((type) => there !== undefined && !there.types.includes(type))
      .map((type) => `no sequence "${type}"`),
  ];
}

/** How a row is read. */
interface Plan {
  slots: { from: number; to: number };
  fields: FieldPlan[];
  /** By index there: index here, or -1. */
  scenarios: number[];
  /** By index here: index there, or -1. */
  tasks: number[];
  tasksThere: number;
  sequences: SequencePlan | undefined;
}

interface FieldPlan {
  /** First slots of the field, and how many it has. */
  from: { slot: number; slots: number; offset: number };
  to: { slot: number; slots: number };
  /** By id of the field there: row of the table here. */
  ids: Int32Array;
  padding: number;
}

interface SequencePlan {
  /** By index here: index there. */
  types: number[];
  from: { types: number; length: number; padding: number };
  to: { types: number; length: number };
  item: FieldPlan;
}

async function planRows(rows: PreparedData, as: PreparedData): Promise<Plan> {
  const [from, to] = [rows.manifest, as.manifest];
  const [slotsThere, slotsHere] = [firstSlots(from.fields), firstSlots(to.fields)];
  const fields: FieldPlan[] = [];
  for (const [i, here] of to.fields.entries()) {
    const index = from.fields.findIndex(({ name }) => name === here.name);
    const there = from.fields[index];
    fields.push({
      from: { slot: slotsThere[index], slots: there.slots, offset: there.offset },
      to: { slot: slotsHere[i], slots: here.slots },
      ids: await idsOf(rows, as, there, here),
      padding: here.offset + PADDING_ID,
    });
  }
  return {
    slots: { from: slotsOf(from.fields), to: slotsOf(to.fields) },
    fields,
    scenarios: from.scenarios.map((name) => to.scenarios.indexOf(name)),
    tasks: to.tasks.map((name) => from.tasks.indexOf(name)),
    tasksThere: from.tasks.length,
    sequences: planSequences(from, to, fields),
  };
}

/** Table row here of each id of a field there. */
async function idsOf(
  rows: PreparedData,
  as: PreparedData,
  there: PreparedField,
  here: PreparedField,
): Promise<Int32Array> {
  const ids = new Int32Array(there.size).fill(here.offset + OUT_OF_VOCABULARY_ID);
  ids[PADDING_ID] = here.offset + PADDING_ID;
  const hash = hashOf(configOf(as.manifest, here.name));
  if (hash !== undefined && hashOf(configOf(rows.manifest, there.name)) !== undefined)
    return ids.map((_, id) => here.offset + id); // hashes into the same space
  const known = new Map((await as.tokens(here.name)).map((token, id) => [token, id]));
  const idOf = (token: string): number | undefined => (hash === undefined ? known.get(token) : hashedId(token, hash));
  (await rows.tokens(there.name)).forEach((token, id) => {
    const found = id < RESERVED_IDS ? undefined : idOf(token);
    if (found !== undefined && found >= RESERVED_IDS) ids[id] = here.offset + found;
  });
  return ids;
}

function planSequences(from: Manifest, to: Manifest, fields: readonly FieldPlan[]): SequencePlan | undefined {
  if (from.sequences === undefined || to.sequences === undefined) return undefined;
  const { types, length, itemField } = to.sequences;
  const item = fields[to.fields.findIndex(({ name }) => name === itemField)];
  return {
    types: types.map((type) => from.sequences?.types.indexOf(type) ?? -1),
    from: { types: from.sequences.types.length, length: from.sequences.length, padding: item.from.offset + PADDING_ID },
    to: { types: types.length, length },
    item,
  };
}

function emptyBatch({ slots, tasks, sequences }: Plan, size: number) {
  return {
    ids: new Int32Array(size * slots.to),
    scenario: new Int32Array(size),
    labels: new Float32Array(size * tasks.length),
    sequences: sequences && new Int32Array(size * sequences.to.types * sequences.to.length),
  };
}

function translate(
  plan: Plan,
  batch: Batch,
  room: ReturnType<typeof emptyBatch>,
  unknown: (scenario: number) => Error,
): Batch {
  const { size } = batch;
  for (let row = 0; row < size; row++) {
    const scenario = plan.scenarios[batch.scenario[row]];
    if (scenario < 0) throw unknown(batch.scenario[row]);
    room.scenario[row] = scenario;
    plan.tasks.forEach((there, t) => {
      room.labels[row * plan.tasks.length + t] = there < 0 ? Number.NaN : batch.labels[row * plan.tasksThere + there];
    });
    for (const { from, to, ids, padding } of plan.fields)
      for (let j = 0; j < to.slots; j++)
        room.ids[row * plan.slots.to + to.slot + j] =
          j < from.slots ? ids[batch.ids[row * plan.slots.from + from.slot + j] - from.offset] : padding;
    if (plan.sequences !== undefined && batch.sequences !== undefined && room.sequences !== undefined)
      translateSequences(plan.sequences, batch.sequences, room.sequences, row);
  }
  const cut = <A extends Int32Array | Float32Array>(array: A, width: number): A => array.subarray(0, size * width) as A;
  return {
    size,
    ids: cut(room.ids, plan.slots.to),
    scenario: cut(room.scenario, 1),
    labels: cut(room.labels, plan.tasks.length),
    weight: batch.weight,
    group: batch.group,
    row: batch.row,
    ...(room.sequences && { sequences: cut(room.sequences, room.sequences.length / room.scenario.length) }),
  };
}

/** The last items of each sequence, oldest first, then padding. */
function translateSequences(
  { types, from, to, item }: SequencePlan,
  source: Int32Array,
  into: Int32Array,
  row: number,
): void {
  types.forEach((there, k) => {
    const start = (row * from.types + there) * from.length;
    const at = (row * to.types + k) * to.length;
    let items = 0;
    while (items < from.length && source[start + items] !== from.padding) items++;
    const first = Math.max(0, items - to.length);
    for (let i = 0; i < to.length; i++)
      into[at + i] = first + i < items ? item.ids[source[start + first + i] - item.from.offset] : item.padding;
  });
}
