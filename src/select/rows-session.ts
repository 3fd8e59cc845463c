/** Rows of a split through a graph that serves. */
import type { SplitName } from '../config/dataset.ts';
import type { Batch, PreparedData } from '../data/prepared.ts';
import type { CompiledGraph } from '../graph/index.ts';
import type { Session, SessionOptions, Value } from '../runtime/contract.ts';
import { createSession } from '../runtime/session.ts';
import { type ServedModel, servedTable, TABLES } from './served-model.ts';
import { tableFile } from './serving-graph.ts';

export type Rows = Pick<Batch, 'size' | 'ids' | 'scenario' | 'sequences'>;

/** A session of a graph of the model; tables come from memory. */
export async function openGraph(
  served: ServedModel,
  graph: Pick<CompiledGraph, 'bytes'>,
  options: SessionOptions = {},
): Promise<Session> {
  const external = TABLES.filter((name) => served.tensors.has(name)).map((name): [string, Uint8Array] => {
    const { buffer, byteOffset, byteLength } = servedTable(served, name);
    return [tableFile(name), new Uint8Array(buffer, byteOffset, byteLength)];
  });
  return createSession(graph.bytes, { ...options, external: Object.fromEntries(external) });
}

/** Rows as inputs of a graph: those that it takes. */
export function feedsOf(served: ServedModel, { size, ids, scenario, sequences }: Rows, inputs: readonly string[]) {
  const slots = served.data.fields.reduce((sum, field) => sum + field.slots, 0);
  const int32 = (data: Int32Array, ...rest: number[]): Value => ({
    type: 'int32',
    shape: [size, ...rest],
    data: data.subarray(
      0,
      rest.reduce((count, n) => count * n, size),
    ),
  });
  const feeds: Record<string, () => Value> = {
    ids: () => int32(ids, slots),
    scenario: () => int32(scenario),
    sequences: () => {
      const { types, length } = served.sizes.sequences as NonNullable<typeof served.sizes.sequences>;
      return int32(sequences as Int32Array, types, length);
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
export function rowsOfScenario(served: ServedModel, batch: Batch, scenario: number): Rows & { places: number[] } {
  const places = Array.from({ length: batch.size }, (_, i) => i).filter((i) => batch.scenario[i] === scenario);
  const picked = (from: Int32Array): Int32Array => {
    const width = from.length / batch.scenario.length;
    const rows = new Int32Array(places.length * width);
    for (const [i, place] of places.entries()) rows.set(from.subarray(place * width, (place + 1) * width), i * width);
    return rows;
  };
  return {
    size: places.length,
    ids: picked(batch.ids),
    scenario: picked(batch.scenario),
    ...(served.sizes.sequences && batch.sequences && { sequences: picked(batch.sequences) }),
    places,
  };
}
