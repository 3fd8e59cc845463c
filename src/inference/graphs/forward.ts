/** Graphs over gathered embeddings: from a model's forward function to ONNX. Weights, tables and gates are inputs. */
import { error } from '../../base/errors/index.ts';
import {
  type CompiledGraph,
  compile,
  Graph,
  mul,
  reshape,
  stopGradient,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import type {
  BufferSpec,
  CommonOptions,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  Phase,
  Step,
} from '../../model/contract.ts';
import { withPairs } from '../../model/layers/fields.ts';
import { networkOf } from '../../model/network.ts';

export interface GraphRequest {
  model: ModelDefinition<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  phase: Phase;
  batchSize: number;
  /** Use dropout, noise and batch statistics. Default: only in the training graph. */
  training?: boolean;
}

/** An input of random numbers, drawn at every step. */
export interface DrawnInput {
  /** Name of the graph input. */
  input: string;
  /** Numbers per row. */
  width: number;
}

/** A forward function over the inputs of a new graph. */
export interface Built {
  graph: Graph;
  forward: ForwardOutputs;
  /** Gathered embeddings, by the output name of their gradient. */
  gathered: Map<string, Tensor>;
  parameters: Map<string, Tensor>;
  /** The value of each buffer after the step. */
  buffers: Map<string, Tensor>;
  dropout: DrawnInput[];
  noise: DrawnInput[];
  scalars: string[];
}

const BUFFER = 'buffer.';

/** Name of a buffer among the inputs of a graph and the tensors of a file. */
export const bufferName = ({ name }: Pick<BufferSpec, 'name'>): string => BUFFER + name;

export const isBufferName = (name: string): boolean => name.startsWith(BUFFER);

/** Inputs: embedding, scenario, parameters, buffers, scalars, gates (phase `retrain`). Output: logits [B, T], and named extras. */
export function inferenceGraph(
  request: GraphRequest,
  extras: (forward: ForwardOutputs) => Record<string, Tensor> = () => ({}),
): CompiledGraph & { scalars: string[] } {
  const { forward, scalars } = buildForward(request, false);
  return { ...compile({ logits: forward.logits, ...extras(forward) }, { batchHint: request.batchSize }), scalars };
}

/** Inputs: embedding (rows of the frozen gate table), gate parameters. Output: gateLogits [B, flows*T]. */
export function gateGraph(request: GraphRequest): CompiledGraph {
  const { network, step } = openStep(request, false);
  if (network.gateLogits === undefined) throw new Error(`${request.model.key} has no flow gates`);
  return compile({ gateLogits: network.gateLogits(step) }, { batchHint: request.batchSize });
}

/** Does a graph read behaviour sequences? */
export const readsSequences = ({ inputs }: CompiledGraph): boolean =>
  inputs.some(({ name }) => name === 'sequences' || name === 'sequenceMask');

/** The model's forward function over the inputs of a new graph. `training` is the default if the request has none. */
export function buildForward(request: GraphRequest, training: boolean): Built {
  const { network, step, built } = openStep(request, training);
  return { ...built, forward: network.forward(step) };
}

/** The embeddings of rows as models read them. A table of another width holds several of a field, which the model multiplies itself. */
export const asRead = (
  embedding: Tensor,
  { dimension }: { dimension: number },
  { options, sizes }: Pick<GraphRequest, 'options' | 'sizes'>,
): Tensor => (dimension === options.embeddingDim ? withPairs(embedding, sizes.fields, options) : embedding);

function openStep(request: GraphRequest, trainingByDefault: boolean) {
  const { model, options, sizes, phase, training = trainingByDefault } = request;
  const network = networkOf(model, options, sizes);
  const graph = new Graph();
  const embedding = graph.input('embedding', ['B', sizes.fields * network.dimension]);
  const gathered = new Map([['embeddingGradient', embedding]]);
  const scenario = graph.input('scenario', ['B'], 'int32');
  const parameters = new Map(network.parameters.map((spec) => [spec.name, graph.input(spec.name, spec.shape)]));
  const buffers = new Map(network.buffers.map((spec) => [spec.name, graph.input(bufferName(spec), spec.shape)]));
  const dropout: DrawnInput[] = [];
  const noise: DrawnInput[] = [];
  const scalars: string[] = [];
  const declared = <V>(from: ReadonlyMap<string, V>, name: string): V => {
    const value = from.get(name);
    if (value === undefined) throw new Error(`${model.key} uses ${name} but does not declare it`);
    return value;
  };
  const drawn = (list: DrawnInput[], input: string, width: number): Tensor => {
    list.push({ input, width });
    return graph.input(input, ['B', width]);
  };
  const step: Step = {
    phase,
    training,
    embedding: asRead(embedding, network, request),
    scenario,
    parameter: (name) => declared(parameters, name),
    buffer: (name) => declared(buffers, name),
    setBuffer: (name, value) => {
      declared(buffers, name);
      buffers.set(name, stopGradient(value));
    },
    scalar: (name) => {
      if (!scalars.includes(name)) scalars.push(name);
      return graph.input(name, []);
    },
    rows: () => graph.input('rows', []),
    noise: (name, width) => (training ? drawn(noise, `noise.${name}`, width) : undefined),
    sequences: () => {
      const read = sequenceInputs(graph, request, network.dimension);
      gathered.set('sequenceGradient', read.items);
      return read;
    },
    gates: () => graph.input('gates', ['B', (model.flowSelection?.flows.length ?? 0) * sizes.tasks]),
    dropout: (x, name) => {
      if (!training || options.dropout === 0) return x;
      const axis = x.shape.indexOf('B');
      const others = x.shape.filter((_, i) => i !== axis) as number[];
      const width = others.reduce((product, size) => product * size, 1);
      const mask = reshape(drawn(dropout, `dropout.${name}`, width), ['B', ...others]); // [B,...others]
      const order = x.shape.map((_, i) => (i === axis ? 0 : i < axis ? i + 1 : i));
      return mul(x, transpose(mask, order));
    },
  };
  return { network, step, built: { graph, gathered, parameters, buffers, dropout, noise, scalars } };
}

function sequenceInputs(graph: Graph, { model, sizes }: GraphRequest, dimension: number) {
  if (sizes.sequences === undefined) throw error('SEQUENCES_MISSING', { model: model.key });
  const { types, length } = sizes.sequences;
  return {
    items: graph.input('sequences', ['B', types, length, dimension]),
    mask: graph.input('sequenceMask', ['B', types, length]),
  };
}
