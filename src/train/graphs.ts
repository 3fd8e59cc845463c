/**
 * The graphs of a run: from a model's forward function to ONNX. One training graph per phase serves every batch, the
 * short last one included: its loss is a sum with fed per-row weights, never a mean over the batch.
 */
import { error } from '../base/errors/index.ts';
import {
  add,
  type CompiledGraph,
  compile,
  concat,
  fixedElements,
  Graph,
  grad,
  mul,
  reduceSum,
  reshape,
  slice,
  softplus,
  sqrt,
  stopGradient,
  sub,
  type Tensor,
  transpose,
} from '../graph/index.ts';
import type {
  BufferSpec,
  CommonOptions,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
  Phase,
  Step,
} from '../model/contract.ts';
import { networkOf } from '../model/network.ts';
import { byGroup } from './step/weights.ts';
import { type TaskGradients, taskOutput } from './weighting/contract.ts';

export interface GraphRequest {
  model: ModelDefinition<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  phase: Phase;
  batchSize: number;
  /** Dropout, noise and batch statistics. Default: in the training graph only. */
  training?: boolean;
  /** What the training graph gives of each task beside the gradient of the whole loss. Default: nothing. */
  taskGradients?: TaskGradients;
}

/** An input that is drawn anew for every step. */
export interface DrawnInput {
  /** Name of the graph input. */
  input: string;
  /** Numbers per row. */
  width: number;
}

export interface TrainingGraph extends CompiledGraph {
  /** Parameters that learn in this phase, in the order in which the flat gradient holds them. */
  trainable: ParameterSpec[];
  /** Masks to feed, [B, width] each. */
  dropout: DrawnInput[];
  /** Standard normal numbers to feed, [B, width] each. */
  noise: DrawnInput[];
  /** Names of numbers to feed (schedules). */
  scalars: string[];
}

interface Built {
  graph: Graph;
  forward: ForwardOutputs;
  /** What was gathered from the table, by the output that its gradient becomes. */
  gathered: Map<string, Tensor>;
  parameters: Map<string, Tensor>;
  /** What the step makes of each buffer. */
  buffers: Map<string, Tensor>;
  dropout: DrawnInput[];
  noise: DrawnInput[];
  scalars: string[];
}

const BUFFER = 'buffer.';

/** Name of a buffer among the inputs of a graph and the tensors of a file. */
export const bufferName = ({ name }: Pick<BufferSpec, 'name'>): string => BUFFER + name;

export const isBufferName = (name: string): boolean => name.startsWith(BUFFER);

/**
 * Inputs: embedding [B, F*D], scenario [B], labels [B, T] (0 where missing), lossWeights [B, T], rowWeights [B], rows [],
 * parameters, buffers, scalars, dropout masks, noise, gates (phase `retrain`), and for models that read sequences
 * sequences [B, K, L, D] and sequenceMask [B, K, L].
 * Outputs: taskLosses [T], penalty [], gradient [P] over the trainable parameters, embeddingGradient [B, F*D]; for models
 * that have them, sequenceGradient [B, K, L, D] and buffers [Q] after the step; and what `taskGradients` asks for:
 * taskNorms [T], or each of the gradients for each task alone.
 */
export function trainingGraph(request: GraphRequest): TrainingGraph {
  const { sizes } = request;
  const trainable = trainableParameters(request);
  const built = buildForward(request, true);
  const labels = built.graph.input('labels', ['B', sizes.tasks]);
  const lossWeights = built.graph.input('lossWeights', ['B', sizes.tasks]);
  const rowWeights = built.graph.input('rowWeights', ['B']);

  // Logistic loss on the logit z: softplus(z) - y z.
  const { logits, penalties = {} } = built.forward; // [B,T]
  const rowLosses = sub(softplus(logits), mul(labels, logits)); // [B,T]
  const taskLosses = reduceSum(mul(rowLosses, lossWeights), [0]); // [T]
  const penalty = Object.values(penalties).reduce<Tensor>(
    (sum, perRow) => add(sum, reduceSum(mul(perRow, rowWeights))),
    built.graph.constant(0),
  ); // []
  const loss = add(reduceSum(taskLosses), penalty); // []

  const wanted = trainable.map((spec) => built.parameters.get(spec.name) as Tensor);
  const gradientsOf = (scalar: Tensor): Record<string, Tensor> => {
    const gradients = grad(scalar, [...built.gathered.values(), ...wanted]);
    const rows = [...built.gathered.keys()].map((name, i) => [name, gradients[i]]);
    return { gradient: flatten(gradients.slice(built.gathered.size)), ...Object.fromEntries(rows) };
  };
  const alone = Array.from({ length: sizes.tasks }, (_, t) => reshape(slice(taskLosses, 0, t, t + 1), [])); // T of []
  const buffers: Record<string, Tensor> =
    built.buffers.size === 0 ? {} : { buffers: flatten([...built.buffers.values()]) }; // [Q]
  const outputs = {
    taskLosses,
    penalty,
    ...(request.taskGradients === 'whole'
      ? wholeGradients(alone.map(gradientsOf), Object.keys(penalties).length > 0 ? [gradientsOf(penalty)] : [])
      : gradientsOf(loss)),
    ...(request.taskGradients === 'norms' && {
      taskNorms: concat(
        alone.map((task) => reshape(norm(grad(task, [...built.gathered.values()])), [1])),
        0,
      ),
    }),
    ...buffers,
  };
  const compiled = compile(outputs, { batchHint: request.batchSize });
  const { dropout, noise, scalars } = built;
  return { ...compiled, trainable, dropout, noise, scalars };
}

/** The gradients of each task, and of all of them with those of the penalty. */
function wholeGradients(tasks: Record<string, Tensor>[], penalty: Record<string, Tensor>[]): Record<string, Tensor> {
  const names = Object.keys(tasks[0]);
  const sum = (name: string): Tensor => [...tasks, ...penalty].map((part) => part[name]).reduce(add);
  return Object.fromEntries([
    ...names.map((name) => [name, sum(name)]),
    ...tasks.flatMap((task, t) => names.map((name) => [taskOutput(t, name), task[name]])),
  ]);
}

/** Euclidean norm of all numbers of all tensors. */
const norm = (tensors: readonly Tensor[]): Tensor =>
  sqrt(tensors.map((tensor) => reduceSum(mul(tensor, tensor))).reduce(add)); // []

/** One vector of all numbers of all tensors. */
const flatten = (tensors: readonly Tensor[]): Tensor =>
  concat(
    tensors.map((tensor) => reshape(tensor, [fixedElements(tensor.shape)])),
    0,
  );

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

/** The parameters that learn: all, except the frozen gate network once gates are fed. */
function trainableParameters({ model, options, sizes, phase }: GraphRequest): ParameterSpec[] {
  const all = byGroup(networkOf(model, options, sizes).parameters);
  return phase === 'retrain' ? all.filter((spec) => !model.flowSelection?.isGateParameter(spec.name)) : all;
}

/** The model's forward function over the inputs of a new graph. `training` stands where the request says nothing. */
export function buildForward(request: GraphRequest, training: boolean): Built {
  const { network, step, built } = openStep(request, training);
  return { ...built, forward: network.forward(step) };
}

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
    embedding,
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
