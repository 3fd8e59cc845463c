/**
 * The serving graph: rows of ids -> probabilities, in plain ONNX. It contains the dense weights; tables are separate files.
 *
 * `tributary predict` runs the same graph, not the training graph, because two graphs of one model agree only within rounding.
 */
import { slotsOf } from '../../data/encode/ids.ts';
import {
  batchInvariant,
  type CompiledGraph,
  cast,
  compile,
  fixedElements,
  Graph,
  gather,
  greater,
  int8Candidates,
  isBatch,
  multiplyAdds,
  nodesBefore,
  productsOf,
  reshape,
  type StoredValue,
  sigmoid,
  slice,
  type Tensor,
  toInt8,
} from '../../graph/index.ts';
import type { Step } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import type { TableName } from '../../tables/contract.ts';
import { TABLES } from '../model/fit.ts';
import type { TrainedModel } from '../model/trained.ts';
import { embedRows, isValue } from './embed-rows.ts';
import { asRead, bufferName } from './forward.ts';

/** The serving graph before it is written: tensors over `ids`, `scenario`, `sequences` and the model's tensors by name. */
export interface ServingTensors {
  /** Named as in src/store/artifact/manifest.ts. */
  outputs: Record<string, Tensor>;
  /** Hard flow gates [B, flows * T], if the model has them. */
  gates?: Tensor;
  /** What rows choose, as the model outputs it. */
  choices: Record<string, Tensor>;
}

export interface ServingGraph extends CompiledGraph {
  scenario: number | undefined;
  /** Tables that it reads. */
  tables: TableName[];
  /** Size of the parameters and buffers inside, in numbers. */
  parameters: number;
  /** Multiply-adds per row in matrix products. */
  multiplyAdds: number;
  /** Number of weights stored in eight bits. */
  rounded: number;
}

/** File of a table, relative to the graphs. */
export const tableFile = (name: TableName): string => `${name}.bin`;

/** The model over ids, for rows of any scenario. */
export function servingTensors(trained: TrainedModel): ServingTensors {
  const { network, step, gates } = servingStep(trained);
  const { logits, choices = {} } = network.forward(step); // [B,T]
  const probabilities = sigmoid(logits); // [B,T]
  const perTask = trained.data.tasks.map((task, t): [string, Tensor] => [
    `probability_${task}`,
    reshape(slice(probabilities, 1, t, t + 1), ['B']), // [B]
  ]);
  return { outputs: { logits, ...Object.fromEntries(perTask) }, gates: gates(), choices };
}

export interface WritingOptions {
  scenario?: number;
  folded?: ReadonlyMap<string, Float32Array>;
  int8?: boolean;
}

const FED = ['ids', 'scenario', 'sequences'];

/** Smaller weights are faster in 32 bits, because quantising the rows takes longer than the product. */
const LARGE = 1 << 16;

/**
 * Writes a serving graph.
 *
 * @param options.scenario index of the only scenario that it answers
 * @param options.folded tensors computed in advance from the model's tensors, by input name
 * @param options.int8 store large weights in eight bits
 */
export function compileServing(
  trained: TrainedModel,
  outputs: Readonly<Record<string, Tensor>>,
  { scenario, folded = new Map(), int8 = false }: WritingOptions = {},
): ServingGraph {
  const read = nodesBefore(...Object.values(outputs))
    .filter((node): node is Tensor<'input'> => node.op === 'input')
    .map(({ attributes }) => attributes)
    .filter(({ name }) => !FED.includes(name));
  const isTable = (name: string): name is TableName => TABLES.some((table) => table === name);
  const written = batchInvariant(outputs);
  const rounded = int8 ? int8Candidates(written, LARGE) : [];
  const stored = new Map(
    read.map(({ name, shape }): [string, StoredValue] => {
      const data = folded.get(name) ?? trained.tensors.get(name)?.data;
      if (data === undefined) throw new Error(`${trained.model.key} has no tensor ${name}`);
      if (rounded.includes(name)) return [name, toInt8(data, shape.at(-1) as number)];
      return [name, isTable(name) ? { file: tableFile(name) } : { data }];
    }),
  );
  const compiled = compile(written, { stored });
  const perRow = productsOf(nodesBefore(...Object.values(outputs))).filter((product) =>
    Object.values(product).some(isBatch),
  );
  return {
    ...compiled,
    scenario,
    rounded: rounded.length,
    tables: TABLES.filter((name) => stored.has(name)),
    parameters: read.filter(({ name }) => !isTable(name)).reduce((sum, { shape }) => sum + fixedElements(shape), 0),
    multiplyAdds: perRow.reduce((sum, product) => sum + multiplyAdds(product, 1), 0),
  };
}

/** The model's network and its step over ids, in a new graph; `gates` gives the flow gates, if the network has them. */
function servingStep(trained: TrainedModel) {
  const { model, options, sizes, data, tensors } = trained;
  const network = networkOf(model, options, sizes);
  const graph = new Graph();
  let hardGates: Tensor | undefined;
  const tensor = (name: string): Tensor => {
    const found = tensors.get(name);
    if (found === undefined) throw new Error(`${model.key} has no tensor ${name}`);
    return graph.input(name, found.shape);
  };
  const never = (what: string) => (): never => {
    throw new Error(`${model.key} asks for ${what} outside training`);
  };

  const slots = slotsOf(data.fields);
  const ids = graph.input('ids', ['B', slots], 'int32');
  const embedded = (table: TableName): Tensor => asRead(embedRows(ids, tensor(table), data.fields), network, trained); // [B,F*D]
  const step: Step = {
    phase: model.flowSelection === undefined ? 'train' : 'retrain',
    training: false,
    get embedding() {
      return embedded('embedding');
    },
    get scenario() {
      return graph.input('scenario', ['B'], 'int32');
    },
    parameter: tensor,
    buffer: (name) => tensor(bufferName({ name })),
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
      if (network.gateLogits === undefined) throw new Error(`${model.key} has no flow gates`);
      const gateLogits = network.gateLogits({ ...step, embedding: embedded('gateEmbedding') }); // [B,flows*T]
      hardGates = cast(greater(gateLogits, 0), 'float32');
      return hardGates;
    },
  };
  return { network, step, gates: () => hardGates };
}
