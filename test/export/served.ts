/** Models with drawn weights, and rows for them: what the tests of serving graphs share. */

import { bytesOf } from '../../src/base/numbers.ts';
import { random } from '../../src/base/random.ts';
import { bufferName } from '../../src/inference/graphs/forward.ts';
import { compileServing, type ServingGraph, servingTensors, tableFile } from '../../src/inference/graphs/serving.ts';
import { clearPadding } from '../../src/inference/model/fit.ts';
import type { TrainedModel } from '../../src/inference/model/trained.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../../src/model/contract.ts';
import { networkOf } from '../../src/model/network.ts';
import type { Session, SessionOptions, Value } from '../../src/runtime/contract.ts';
import { createSession } from '../../src/runtime/session.ts';
import type { TensorView } from '../../src/store/tensors.ts';
import type { TableName } from '../../src/tables/contract.ts';
import { draw } from '../../src/train/step/initialize.ts';

/** Ids of each field, the reserved ones included. */
const FIELD_SIZE = 20;

/** The graph of the full model. */
export const servingGraph = (trained: TrainedModel): ServingGraph =>
  compileServing(trained, servingTensors(trained).outputs);

/** A model with weights of about the size that training gives. Of its fields the second has 3 values (mean), the third 4 (sum). */
export function servedOf(
  model: ModelDefinition<CommonOptions>,
  given: Record<string, unknown>,
  sizes: ModelSizes,
  seed = 1,
): TrainedModel {
  const options = model.options.parse({ key: model.key, ...given });
  const item = sizes.sequences?.itemField;
  const fields = Array.from({ length: sizes.fields }, (_, f) => ({
    name: sizes.fieldNames?.[f] ?? `field${f}`,
    kind: f !== item && (f === 1 || f === 2) ? ('multi' as const) : ('categorical' as const),
    offset: f * FIELD_SIZE,
    size: FIELD_SIZE,
    slots: f === item ? 1 : f === 1 ? 3 : f === 2 ? 4 : 1,
    pooling: f === 2 ? ('sum' as const) : ('mean' as const),
  }));
  const { dimension } = networkOf(model, options, sizes);
  const tableRows = FIELD_SIZE * sizes.fields;
  const parts: Omit<TrainedModel, 'tensors'> = {
    model,
    options,
    sizes,
    data: {
      name: 'drawn',
      hash: 'drawn',
      tableRows,
      fields,
      scenarios: Array.from({ length: sizes.scenarios }, (_, s) => `scenario${s}`),
      tasks: Array.from({ length: sizes.tasks }, (_, t) => `task${t}`),
      ...(sizes.sequences && {
        sequences: {
          itemField: fields[sizes.sequences.itemField].name,
          length: sizes.sequences.length,
          types: Array.from({ length: sizes.sequences.types }, (_, k) => `type${k}`),
          from: 'train rows' as const,
        },
      }),
    },
    dimension,
  };
  return drawn(parts, seed);
}

/** The model with weights a little beside the initial ones, so that what begins at zero counts, too. */
export function drawn(parts: Omit<TrainedModel, 'tensors'>, seed: number): TrainedModel {
  const { model, options, sizes, data, dimension } = parts;
  type Generator = ReturnType<typeof random>;
  const tensor = (name: string, shape: readonly number[], one: (g: Generator) => number) => {
    const generator = random('served', seed, name);
    const numbers = new Float32Array(shape.reduce((product, n) => product * n, 1)).map(() => one(generator));
    return [name, { shape, data: numbers }] as const;
  };
  const table = (name: string) => tensor(name, [data.tableRows, dimension], (g) => g.normal());
  const { parameters, buffers } = networkOf(model, options, sizes);
  const tensors = new Map([
    ...parameters.map(({ name, shape, initializer }) =>
      tensor(name, shape, (g) => draw(initializer, g) + 0.1 * g.normal()),
    ),
    ...buffers.map((spec) => tensor(bufferName(spec), spec.shape, (g) => 0.5 + g.uniform())),
    table('embedding'),
    ...(model.flowSelection === undefined ? [] : [table('gateEmbedding')]),
  ]);
  clearPadding(tensors, data.fields, dimension);
  return { ...parts, tensors };
}

export interface Rows {
  size: number;
  ids: Int32Array;
  scenario: Int32Array;
  sequences?: Int32Array;
}

/** Rows of any ids that an encoder may give: multi-value fields with none, some and all of their values. */
export function rowsFor({ data, sizes }: TrainedModel, size: number, seed = 1): Rows {
  const generator = random('rows', seed);
  const value = (offset: number): number => offset + 1 + generator.below(FIELD_SIZE - 1);
  const list = (length: number, offset: number): number[] => {
    const values = length === 1 ? 1 : generator.below(length + 1);
    return Array.from({ length }, (_, i) => (i < values ? value(offset) : offset));
  };
  const ids = Array.from({ length: size }, () => data.fields.flatMap(({ slots, offset }) => list(slots, offset)));
  const { sequences } = sizes;
  const items = sequences && data.fields[sequences.itemField].offset;
  return {
    size,
    ids: Int32Array.from(ids.flat()),
    scenario: Int32Array.from({ length: size }, () => generator.below(sizes.scenarios)),
    ...(sequences && {
      sequences: Int32Array.from(
        Array.from({ length: size * sequences.types }, () => {
          const length = generator.below(sequences.length + 1);
          return Array.from({ length: sequences.length }, (_, i) =>
            i < length ? value(items as number) : (items as number),
          );
        }).flat(),
      ),
    }),
  };
}

/** The rows [from, to) as inputs of a serving graph. */
export function feedsOf(
  graph: Pick<ServingGraph, 'inputs'>,
  rows: Rows,
  from = 0,
  to = rows.size,
): Record<string, Value> {
  return Object.fromEntries(
    graph.inputs.map(({ name, shape }) => {
      const all = rows[name as 'ids' | 'scenario' | 'sequences'] as Int32Array;
      const width = all.length / rows.size;
      const dims = [to - from, ...(shape.slice(1) as number[])];
      return [name, { type: 'int32', shape: dims, data: all.slice(from * width, to * width) }];
    }),
  );
}

/** The content of a graph's tables, by file name. */
const tablesOf = (served: TrainedModel, graph: Pick<ServingGraph, 'tables'>): Record<string, Uint8Array> =>
  Object.fromEntries(graph.tables.map((name) => [tableFile(name), tableBytes(served, name)]));

export const tableBytes = ({ tensors }: TrainedModel, name: TableName): Uint8Array =>
  bytesOf((tensors.get(name) as TensorView).data);

export const openGraph = (served: TrainedModel, graph: ServingGraph, options: SessionOptions = {}): Promise<Session> =>
  createSession(graph.bytes, { threads: 1, backend: 'node', ...options, external: tablesOf(served, graph) });
