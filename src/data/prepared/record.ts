/** Where the parts of a row lie in a row file, and the SQL that gives them. */
import { PADDING_ID, slotsOf } from '../encode/ids.ts';
import type { Manifest } from './prepared.ts';

/** Where the parts of a record lie, in 32-bit words. */
export interface RecordLayout {
  slots: number;
  tasks: number;
  scenario: number;
  labels: number;
  /** -1 where the data set has none. */
  weight: number;
  group: number;
  sequences: number;
  /** Ids of all sequences of a row; 0 without. */
  sequenceIds: number;
  words: number;
}

export function recordLayout(manifest: Manifest): RecordLayout {
  const slots = slotsOf(manifest.fields);
  const tasks = manifest.tasks.length;
  const weight = slots + 1 + tasks;
  const group = weight + (manifest.hasWeight ? 1 : 0);
  const sequences = group + (manifest.hasGroup ? 1 : 0);
  const { types, length } = manifest.sequences ?? { types: [], length: 0 };
  const sequenceIds = types.length * length;
  return {
    slots,
    tasks,
    scenario: slots,
    labels: slots + 1,
    weight: manifest.hasWeight ? weight : -1,
    group: manifest.hasGroup ? group : -1,
    sequences: sequenceIds > 0 ? sequences : -1,
    sequenceIds,
    words: sequences + sequenceIds,
  };
}

/** SQL of the table ids of a record, one column per slot, from the encoded column of each field. */
export const idColumns = (manifest: Manifest, encoded: (field: string, index: number) => string): string[] =>
  manifest.fields.flatMap((f, index) => {
    const column = encoded(f.name, index);
    if (f.kind !== 'multi') return [`(${column} + ${f.offset})::INTEGER`];
    const ids = Array.from({ length: f.slots }, (_, i) => `coalesce((${column})[${i + 1}], ${PADDING_ID})`);
    return ids.map((id) => `(${id} + ${f.offset})::INTEGER`);
  });

/** SQL of the table ids of a record's sequences, an array for each type, from the encoded lists. */
export function sequenceColumns(
  { sequences, fields }: Manifest,
  encoded: (type: string, index: number) => string,
): string[] {
  if (sequences === undefined) return [];
  const { types, length, itemField } = sequences;
  const offset = fields.find(({ name }) => name === itemField)?.offset;
  return types.map((type, index) => {
    const padded = `list_resize(${encoded(type, index)}, ${length}, ${PADDING_ID})`;
    return `list_transform(${padded}, lambda id: id + ${offset})::INTEGER[${length}]`;
  });
}
