/** Rows of ids, the inputs of serving graphs, which look up embeddings inside; and the answers of these graphs, before calibration. */
import { slotsOf } from '../../data/encode/ids.ts';
import { pickRows } from '../../data/prepared/pick.ts';
import type { Session, Value } from '../../runtime/contract.ts';
import { type Answers, answersOf, createExecutor, type Executor, type Feeds, probabilityOf } from '../executor.ts';

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
  const slots = slotsOf(fields);
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

/** The executor of each scenario's graph; the key `undefined` has that of the joint graph. */
export type ByScenario = ReadonlyMap<number | undefined, Executor<IdRows>>;

/** Runs each row through the graph of its scenario if there is one, else the joint graph. Throws MODEL_NOT_FINITE. */
export async function answer(executors: ByScenario, rows: IdRows, tasks: readonly string[]): Promise<Answers> {
  const joint = executors.get(undefined) as Executor<IdRows>;
  if (executors.size === 1) return answersOf(await joint.run(rows), tasks);
  const answers: Answers = {
    logits: new Float32Array(rows.size * tasks.length),
    probabilities: tasks.map(() => new Float32Array(rows.size)),
  };
  for (const [executor, places] of byExecutor(rows, (scenario) => executors.get(scenario) ?? joint)) {
    const { logits, probabilities } = answersOf(await executor.run(pickRows(rows, places)), tasks);
    spread(logits, places, answers.logits);
    for (const [t, own] of probabilities.entries()) spread(own, places, answers.probabilities[t]);
  }
  return answers;
}

/** The indices of the rows that each executor answers. */
function byExecutor({ size, scenario }: IdRows, executorOf: (scenario: number) => Executor<IdRows>) {
  const places = new Map<Executor<IdRows>, number[]>();
  for (let row = 0; row < size; row++) {
    const executor = executorOf(scenario[row]);
    const own = places.get(executor);
    if (own === undefined) places.set(executor, [row]);
    else own.push(row);
  }
  return places;
}

function spread(from: Float32Array, places: readonly number[], into: Float32Array): void {
  const width = from.length / places.length;
  places.forEach((place, i) => {
    into.set(from.subarray(i * width, (i + 1) * width), place * width);
  });
}
