/** Rows of ids, the inputs of serving graphs, which look up embeddings inside. */
import type { Session, Value } from '../../runtime/contract.ts';
import { createExecutor, type Executor, type Feeds, probabilityOf } from '../executor.ts';

export interface IdRows {
  size: number;
  /** [size, slots] */
  ids: Int32Array;
  /** [size] */
  scenario: Int32Array;
  /** [size, K, L], if the data have sequences. */
  sequences?: Int32Array;
}

/** Description of the data of the rows. */
export interface RowsData {
  fields: readonly { slots: number }[];
  sequences?: { types: readonly string[]; length: number };
}

/** Arrays may be longer than `size` rows. */
function idFeeds({ fields, sequences }: RowsData): Feeds<IdRows> {
  const slots = fields.reduce((sum, field) => sum + field.slots, 0);
  return {
    ids: ({ size, ids }) => int32(ids, size, slots),
    scenario: ({ size, scenario }) => int32(scenario, size),
    ...(sequences && {
      sequences: ({ size, sequences: items = NONE }: IdRows) =>
        int32(items, size, sequences.types.length, sequences.length),
    }),
  };
}

const NONE = new Int32Array();

function int32(values: Int32Array, ...shape: number[]): Value {
  const count = shape.reduce((product, n) => product * n, 1);
  return { type: 'int32', shape, data: values.length === count ? values : values.subarray(0, count) };
}

/** Runs a serving graph. `tasks`: those whose probabilities and logits must be finite; none for graphs without them. */
export const idExecutor = (
  session: Pick<Session, 'inputs' | 'run' | 'release'>,
  data: RowsData,
  tasks: readonly string[] = [],
): Executor<IdRows> =>
  createExecutor(session, idFeeds(data), { finite: tasks.length === 0 ? [] : ['logits', ...tasks.map(probabilityOf)] });
