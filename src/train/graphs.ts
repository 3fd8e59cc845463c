/**
 * The graphs of a run: from a model's forward function to ONNX. One training graph per phase serves every batch, the
 * short last one included: its loss is a sum with fed per-row weights, never a mean over the batch.
 */
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
  softplus,
  sub,
  type Tensor,
} from '../graph/index.ts';
import type {
  CommonOptions,
  ForwardInputs,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  ParameterSpec,
  Phase,
} from '../model/contract.ts';
import { byGroup } from './weights.ts';

export interface GraphRequest {
  model: ModelDefinition<CommonOptions>;
  options: CommonOptions;
  sizes: ModelSizes;
  phase: Phase;
  batchSize: number;
}

export interface DropoutMask {
  /** Name of the graph input. */
  input: string;
  /** Numbers per row. */
  width: number;
}

export interface TrainingGraph extends CompiledGraph {
  /** Parameters that learn in this phase, in the order in which the flat gradient holds them. */
  trainable: ParameterSpec[];
  /** Masks to feed, [B, width] each. */
  dropout: DropoutMask[];
  /** Names of numbers to feed (schedules). */
  scalars: string[];
}

interface Built {
  graph: Graph;
  forward: ForwardOutputs;
  embedding: Tensor;
  parameters: Map<string, Tensor>;
  dropout: DropoutMask[];
  scalars: string[];
}

/**
 * Inputs: embedding [B, F*D], scenario [B], labels [B, T] (0 where missing), lossWeights [B, T], rowWeights [B], parameters,
 * scalars, dropout masks, gates (phase `retrain`).
 * Outputs: taskLosses [T], penalty [], gradient [P] over the trainable parameters, embeddingGradient [B, F*D].
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
  const [embeddingGradient, ...gradients] = grad(loss, [built.embedding, ...wanted]);
  const flat = concat(
    gradients.map((gradient) => reshape(gradient, [fixedElements(gradient.shape)])),
    0,
  ); // [P]
  const compiled = compile(
    { taskLosses, penalty, gradient: flat, embeddingGradient },
    { batchHint: request.batchSize },
  );
  return { ...compiled, trainable, dropout: built.dropout, scalars: built.scalars };
}

/** Inputs: embedding, scenario, parameters, scalars, gates (phase `retrain`). Output: logits [B, T], and named extras. */
export function inferenceGraph(
  request: GraphRequest,
  extras: (forward: ForwardOutputs) => Record<string, Tensor> = () => ({}),
): CompiledGraph & { scalars: string[] } {
  const { forward, scalars } = buildForward(request, false);
  return { ...compile({ logits: forward.logits, ...extras(forward) }, { batchHint: request.batchSize }), scalars };
}

/** Inputs: embedding (rows of the frozen gate table), gate parameters. Output: gateLogits [B, flows*T]. */
export function gateGraph(request: GraphRequest): CompiledGraph {
  const { inputs } = forwardInputs(request, false);
  const { flowSelection } = request.model;
  if (flowSelection === undefined) throw new Error(`${request.model.key} has no flow gates`);
  return compile({ gateLogits: flowSelection.gateLogits(inputs) }, { batchHint: request.batchSize });
}

/** The parameters that learn: all, except the frozen gate network once gates are fed. */
function trainableParameters({ model, options, sizes, phase }: GraphRequest): ParameterSpec[] {
  const all = byGroup(model.parameters(options, sizes));
  return phase === 'retrain' ? all.filter((spec) => !model.flowSelection?.isGateParameter(spec.name)) : all;
}

function buildForward(request: GraphRequest, training: boolean): Built {
  const { inputs, built } = forwardInputs(request, training);
  return { ...built, forward: request.model.forward(inputs) };
}

function forwardInputs({ model, options, sizes, phase }: GraphRequest, training: boolean) {
  const graph = new Graph();
  const embedding = graph.input('embedding', ['B', sizes.fields * options.embeddingDim]);
  const scenario = graph.input('scenario', ['B'], 'int32');
  const parameters = new Map(
    model.parameters(options, sizes).map((spec) => [spec.name, graph.input(spec.name, spec.shape)]),
  );
  const dropout: DropoutMask[] = [];
  const scalars: string[] = [];
  const inputs: ForwardInputs<CommonOptions> = {
    options,
    sizes,
    phase,
    embedding,
    scenario,
    parameter: (name) => {
      const parameter = parameters.get(name);
      if (parameter === undefined) throw new Error(`${model.key} uses the parameter ${name} but does not declare it`);
      return parameter;
    },
    scalar: (name) => {
      if (!scalars.includes(name)) scalars.push(name);
      return graph.input(name, []);
    },
    gates: () => graph.input('gates', ['B', (model.flowSelection?.flows.length ?? 0) * sizes.tasks]),
    dropout: (x, name) => {
      if (!training || options.dropout === 0) return x;
      const mask = { input: `dropout.${name}`, width: x.shape[1] as number };
      dropout.push(mask);
      return mul(x, graph.input(mask.input, ['B', mask.width]));
    },
  };
  return { inputs, built: { graph, embedding, parameters, dropout, scalars } };
}
