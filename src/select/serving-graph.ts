/**
 * The graph that serves: rows of ids -> probabilities, in plain ONNX. Dense weights are inside, tables are files beside it.
 *
 * `tributary predict` runs this very graph, not training's: two graphs of one model agree only within rounding.
 */
import {
  type CompiledGraph,
  cast,
  compile,
  expand,
  Graph,
  gather,
  greater,
  isBatch,
  multiplyAdds,
  reshape,
  type StoredValue,
  sigmoid,
  slice,
  type Tensor,
} from '../graph/index.ts';
import type { CommonOptions, ForwardInputs, ForwardOutputs } from '../model/contract.ts';
import { bufferName } from '../train/graphs.ts';
import { embedRows, isValue } from './rows.ts';
import { type ServedModel, TABLES, type TableName } from './served-model.ts';

export type ServingInputs = ForwardInputs<CommonOptions>;

export interface ServingOptions {
  /** Index of the only scenario that the graph answers: it takes no input `scenario` then. */
  scenario?: number;
  /** What is computed of the inputs. Default: the model's own forward function, with hard gates computed from the row. */
  forward?: (inputs: ServingInputs) => Pick<ForwardOutputs, 'logits'>;
}

export interface ServingGraph extends CompiledGraph {
  scenario: number | undefined;
  /** Tables that it reads. */
  tables: TableName[];
  /** Numbers of the parameters and buffers inside. */
  parameters: number;
  /** Of a row, products alone. */
  multiplyAdds: number;
}

/** File of a table, relative to the graphs. */
export const tableFile = (name: TableName): string => `${name}.bin`;

/** Inputs and outputs are those that src/artifact/manifest.ts describes. Parameters come from `served.tensors`, by name. */
export function servingGraph(served: ServedModel, options: ServingOptions = {}): ServingGraph {
  const { scenario, forward = served.model.forward } = options;
  const { tasks } = served.data;
  const { inputs, stored, used } = servingInputs(served, scenario);
  const { logits } = forward(inputs); // [B,T]
  const probabilities = sigmoid(logits); // [B,T]
  const outputs = {
    logits,
    ...Object.fromEntries(
      tasks.map((task, t) => [`probability_${task}`, reshape(slice(probabilities, 1, t, t + 1), ['B'])]), // [B]
    ),
  };
  const compiled = compile(outputs, { stored });
  const perRow = compiled.products.filter((product) => Object.values(product).some(isBatch));
  return {
    ...compiled,
    scenario,
    tables: TABLES.filter((name) => used.has(name)),
    parameters: [...used]
      .filter((name) => !TABLES.some((table) => table === name))
      .reduce((sum, name) => sum + (served.tensors.get(name)?.data.length ?? 0), 0),
    multiplyAdds: perRow.reduce((sum, product) => sum + multiplyAdds(product, 1), 0),
  };
}

/** A forward function's inputs over ids, in a new graph; `used` fills while they are read. */
function servingInputs(served: ServedModel, scenario: number | undefined) {
  const { model, options, sizes, data, tensors } = served;
  const graph = new Graph();
  const stored = new Map<string, StoredValue>();
  const used = new Set<string>();
  const tensor = (name: string): Tensor => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${model.key} has no tensor ${name}`);
    used.add(name);
    const table = TABLES.find((known) => known === name);
    stored.set(name, table === undefined ? { data: found.data } : { file: tableFile(table) });
    return graph.input(name, found.shape);
  };
  const never = (what: string) => (): never => {
    throw new Error(`${model.key} asks for ${what} outside training`);
  };

  const slots = data.fields.reduce((sum, field) => sum + field.slots, 0);
  const ids = graph.input('ids', ['B', slots], 'int32');
  const embedded = (table: TableName): Tensor => embedRows(ids, tensor(table), data.fields); // [B,F*D]
  const inputs: ServingInputs = {
    options,
    sizes,
    phase: model.flowSelection === undefined ? 'train' : 'retrain',
    training: false,
    get embedding() {
      return embedded('embedding');
    },
    get scenario() {
      return scenario === undefined
        ? graph.input('scenario', ['B'], 'int32')
        : expand(graph.constant([scenario], [1], 'int32'), ['B']);
    },
    parameter: tensor,
    buffer: (name) => tensor(bufferName({ name, shape: [], initial: 0 })),
    setBuffer: never('a change of a buffer'),
    scalar: never('a number of a schedule'),
    rows: never('the rows of a batch'),
    noise: () => undefined,
    dropout: (x) => x,
    sequences: () => {
      const { types, length, itemField } = sizes.sequences as NonNullable<typeof sizes.sequences>;
      const items = graph.input('sequences', ['B', types, length], 'int32');
      return {
        items: gather(tensor('embedding'), items), // [B,K,L,D]
        mask: isValue(items, data.fields[itemField].offset), // [B,K,L]
      };
    },
    gates: () => {
      const { flowSelection } = model;
      if (flowSelection === undefined) throw new Error(`${model.key} has no flow gates`);
      const gateLogits = flowSelection.gateLogits({ ...inputs, embedding: embedded('gateEmbedding') }); // [B,flows*T]
      return cast(greater(gateLogits, 0), 'float32');
    },
  };
  return { inputs, stored, used };
}
