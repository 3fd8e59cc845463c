/** Random rows in memory, in the form of a prepared data set: what a step costs does not depend on what they say. */
import { closable } from '../../base/disposal.ts';
import { random } from '../../base/random.ts';
import { datasetSchema } from '../../config/dataset.ts';
import type { PreparedField } from '../../data/encode/ids.ts';
import type { BatchOptions, PreparedData, SplitReader } from '../../data/prepared/prepared.ts';

export interface DataSizes {
  rows: number;
  fields: number;
  scenarios: number;
  tasks: number;
  /** Ids of all fields together: rows of the embedding table. */
  vocabulary: number;
  /** Behaviour sequences of every row, all full, of items of the first field. */
  sequences?: { types: number; length: number };
}

/** Ids are uniform within each field, so a batch touches as many table rows as it can: the dearest case for the table. */
export function syntheticData(sizes: DataSizes): PreparedData {
  const names = (what: string, count: number): string[] => Array.from({ length: count }, (_, i) => `${what}${i}`);
  const fields = fieldsOf(sizes);
  const part = (rows: number) => ({ rows, file: '', sha256: '' });
  const reader = inMemory(sizes, fields);
  return {
    folder: '',
    manifest: {
      version: 2,
      name: 'synthetic',
      config: datasetSchema.parse({
        name: 'synthetic',
        sources: { none: { path: 'none' } },
        fields: names('field', sizes.fields).map((name) => ({ name, kind: 'categorical' })),
        scenario: { expression: 'scenario', values: names('scenario', sizes.scenarios) },
        tasks: names('task', sizes.tasks).map((name) => ({ name, label: name })),
      }),
      configHash: '',
      inputs: [],
      sourceFolder: '',
      columns: {},
      fields,
      ...(sizes.sequences && {
        sequences: {
          itemField: fields[0].name,
          length: sizes.sequences.length,
          types: names('type', sizes.sequences.types),
          from: 'earlier rows',
        },
      }),
      tableRows: sizes.vocabulary,
      scenarios: names('scenario', sizes.scenarios),
      tasks: names('task', sizes.tasks),
      splits: { train: part(sizes.rows), validation: part(0), test: part(0) },
      hasWeight: false,
      hasGroup: false,
      files: {},
      hash: '',
    },
    open: async () => reader,
    batches: () => reader.batches({ batchSize: 4096 }),
    tokens: async () => [],
    rates: async () => ({ keys: [], ids: [] }),
  };
}

/** The vocabulary, shared out evenly. */
function fieldsOf({ fields, vocabulary }: DataSizes): PreparedField[] {
  const first = (i: number): number => Math.floor((i * vocabulary) / fields);
  return Array.from({ length: fields }, (_, i) => ({
    name: `field${i}`,
    kind: 'categorical',
    offset: first(i),
    size: first(i + 1) - first(i),
    slots: 1,
    pooling: 'mean',
  }));
}

function inMemory({ rows, scenarios, tasks, sequences }: DataSizes, fields: PreparedField[]): SplitReader {
  const generator = random('bench');
  const width = fields.length;
  const draw = (length: number, next: (i: number) => number): Int32Array =>
    Int32Array.from({ length }, (_, i) => next(i));
  // A field's first id is its padding and would count as no value.
  const idOf = ({ offset, size }: PreparedField): number => offset + 1 + generator.below(size - 1);
  const items = sequences === undefined ? 0 : sequences.types * sequences.length;
  const all = {
    ids: draw(rows * width, (i) => idOf(fields[i % width])),
    scenario: draw(rows, () => generator.below(scenarios)),
    labels: Float32Array.from(draw(rows * tasks, () => generator.below(2))),
    weight: new Float32Array(rows).fill(1),
    group: new Int32Array(rows).fill(-1),
    row: draw(rows, (i) => i),
    sequences: draw(rows * items, () => idOf(fields[0])),
  };
  return {
    ...closable,
    rows,
    async *batches({ batchSize }: BatchOptions) {
      for (let from = 0; from < rows; from += batchSize) {
        const to = Math.min(rows, from + batchSize);
        yield {
          size: to - from,
          ids: all.ids.subarray(from * width, to * width),
          scenario: all.scenario.subarray(from, to),
          labels: all.labels.subarray(from * tasks, to * tasks),
          weight: all.weight.subarray(from, to),
          group: all.group.subarray(from, to),
          row: all.row.subarray(from, to),
          ...(items > 0 && { sequences: all.sequences.subarray(from * items, to * items) }),
        };
      }
    },
    close: async () => {},
  };
}
