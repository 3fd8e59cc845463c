/** Rows in one piece: a fixture's, and those of a split. */
import type { Batch, SplitReader } from '../../data/prepared/prepared.ts';
import type { ModelSizes, SequenceSizes } from '../../model/contract.ts';
import { type Fixture, NotUnderstood } from '../fixture.ts';

/** Not an id of any table. */
export const PADDING = -1;

/** Rows of `<prefix>ids`, `<prefix>scenario` and `<prefix>labels`; and for models that read sequences, their ids. */
export function readBatch(
  fixture: Fixture,
  prefix: string,
  { fields, tasks, sequences }: Pick<ModelSizes, 'fields' | 'tasks' | 'sequences'>,
  levels: readonly number[] = [],
): Batch {
  const size = fixture.tensor(`${prefix}ids`).shape[0] ?? 0;
  const rows = rowsWith(fixture, prefix, tasks, levels, fixture.ints(`${prefix}ids`, [size, fields]), size);
  return sequences === undefined ? rows : { ...rows, sequences: readSequences(fixture, prefix, size, sequences) };
}

/** [B, K, L] ids of `<prefix>sequences`; PADDING where `<prefix>mask` is 0, regardless of the id there. */
function readSequences(fixture: Fixture, prefix: string, size: number, { types, length }: SequenceSizes): Int32Array {
  const shape = [size, types, length];
  const mask = fixture.floats(`${prefix}mask`, shape);
  if (!mask.every((value) => value === 0 || value === 1))
    throw new NotUnderstood(`${prefix}mask holds other numbers than 0 and 1`);
  return fixture.ints(`${prefix}sequences`, shape).map((id, i) => (mask[i] === 1 ? id : PADDING));
}

/** A batch of embedded rows, and a table of their numbers: every number is a separate table row of width 1. */
export function readEmbeddedBatch(
  fixture: Fixture,
  names: readonly string[],
  { fields, tasks }: { fields: number; tasks: number },
): { batch: Batch; table: Float32Array } {
  const parts = names.map((name) => {
    const [size, width] = fixture.tensor(`input.${name}`).shape;
    return { width, size, data: fixture.floats(`input.${name}`, [size, width]) };
  });
  const { size } = parts[0];
  const widths = parts.map(({ width }) => width);
  if (widths.reduce((sum, width) => sum + width, 0) !== fields)
    throw new NotUnderstood(`its inputs ${names.join(', ')} are ${widths.join(' + ')} wide, expected ${fields} in all`);
  const table = new Float32Array(size * fields);
  for (let row = 0; row < size; row++) {
    let to = row * fields;
    for (const { width, data } of parts) {
      table.set(data.subarray(row * width, (row + 1) * width), to);
      to += width;
    }
  }
  const ids = Int32Array.from({ length: size * fields }, (_, i) => i);
  return { batch: rowsWith(fixture, 'input.', tasks, [], ids, size), table };
}

function rowsWith(
  fixture: Fixture,
  prefix: string,
  tasks: number,
  levels: readonly number[],
  ids: Int32Array,
  size: number,
): Batch {
  return {
    size,
    ids,
    scenario: readScenario(fixture, `${prefix}scenario`, size, levels),
    labels: fixture.floats(`${prefix}labels`, [size, tasks]),
    weight: new Float32Array(size).fill(1),
    group: new Int32Array(size).fill(-1),
    row: Int32Array.from({ length: size }, (_, row) => row),
  };
}

/** [B] scenarios, or [B, levels] paths through a tree, which become the index of their combination. */
function readScenario(fixture: Fixture, name: string, size: number, levels: readonly number[]): Int32Array {
  if (levels.length === 0) return fixture.ints(name, [size]);
  const paths = fixture.ints(name, [size, levels.length]);
  return Int32Array.from({ length: size }, (_, row) =>
    levels.reduce((id, count, level) => id * count + paths[row * levels.length + level], 0),
  );
}

/** All rows of a split, in stored order; it must have some. */
export async function wholeSplit(reader: SplitReader): Promise<Batch> {
  for await (const batch of reader.batches({ batchSize: reader.rows })) return batch;
  throw new Error('the split has no rows');
}
