/** Rows of a split through a graph that serves. */
import type { SplitName } from '../../config/dataset.ts';
import { pickRows } from '../../data/prepared/pick.ts';
import type { Batch, PreparedData } from '../../data/prepared/prepared.ts';
import type { CompiledGraph } from '../../graph/index.ts';
import type { Session, SessionOptions, Value } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { tableFile } from '../graphs/serving.ts';
import { TABLES, type TrainedModel, tableBytes } from '../model/trained.ts';

export type Rows = Pick<Batch, 'size' | 'ids' | 'scenario' | 'sequences'>;

/** A session of a graph of the model; tables come from memory. */
export async function openGraph(
  served: TrainedModel,
  graph: Pick<CompiledGraph, 'bytes'>,
  options: SessionOptions = {},
): Promise<Session> {
  const tables = TABLES.filter((name) => served.tensors.has(name));
  const external = Object.fromEntries(tables.map((name) => [tableFile(name), tableBytes(served, name)]));
  return createSession(graph.bytes, { ...options, external });
}

/** What is known of the data that rows are of. */
export type RowsData = Pick<TrainedModel['data'], 'fields' | 'sequences'>;

/** Rows as inputs of a graph: those that it takes. */
export function feedsOf(
  data: RowsData,
  { size, ids, scenario, sequences }: Rows,
  inputs: readonly string[],
): Record<string, Value> {
  const int32 = (values: Int32Array, ...rest: number[]): Value => ({
    type: 'int32',
    shape: [size, ...rest],
    data: values.subarray(
      0,
      rest.reduce((count, n) => count * n, size),
    ),
  });
  const feeds: Record<string, () => Value> = {
    ids: () =>
      int32(
        ids,
        data.fields.reduce((sum, field) => sum + field.slots, 0),
      ),
    scenario: () => int32(scenario),
    sequences: () => {
      const { types, length } = data.sequences as NonNullable<typeof data.sequences>;
      return int32(sequences as Int32Array, types.length, length);
    },
  };
  return Object.fromEntries(inputs.map((name) => [name, feeds[name]()]));
}

const BATCH = 4096;

/** Every batch of a split, in stored order. */
export async function* batchesOf(data: PreparedData, split: SplitName): AsyncGenerator<Batch> {
  const reader = await data.open(split);
  try {
    yield* reader.batches({ batchSize: BATCH });
  } finally {
    await reader.close();
  }
}

/** Those rows of a batch that are of one scenario, and their places in it. */
export function rowsOfScenario(batch: Batch, scenario: number): Rows & { places: number[] } {
  const places = Array.from({ length: batch.size }, (_, i) => i).filter((i) => batch.scenario[i] === scenario);
  return { ...pickRows(batch, places), places };
}
