/**
 * The training graph of a phase: forward and backward. One graph handles every batch, including the short last one: its loss is a
 * sum with per-row weights as inputs, never a mean over the batch.
 */
import {
  add,
  type CompiledGraph,
  compile,
  concat,
  fixedElements,
  grad,
  mul,
  overRanks,
  type RankProgram,
  reduceSum,
  reshape,
  slice,
  softplus,
  sqrt,
  sub,
  type Tensor,
} from '../../graph/index.ts';
import { byGroup } from '../../inference/arena/weights.ts';
import { buildForward, type DrawnInput, type GraphRequest } from '../../inference/graphs/forward.ts';
import type { ParameterSpec } from '../../model/contract.ts';
import { networkOf } from '../../model/network.ts';
import { type TaskGradients, taskOutput } from '../weighting/contract.ts';

export interface TrainingRequest extends GraphRequest {
  /** What the training graph outputs per task in addition to the gradient of the whole loss. Default: nothing. */
  taskGradients?: TaskGradients;
}

export interface TrainingGraph extends CompiledGraph {
  /** Parameters that learn in this phase, in the order of the flat gradient. */
  trainable: ParameterSpec[];
  /** Mask inputs, [B, width] each. */
  dropout: DrawnInput[];
  /** Inputs of standard normal numbers, [B, width] each. */
  noise: DrawnInput[];
  /** Names of scalar inputs (schedules). */
  scalars: string[];
}

/**
 * Inputs: embedding [B, F*D], scenario [B], labels [B, T] (0 where missing), lossWeights [B, T], rowWeights [B], rows [],
 * parameters, buffers, scalars, dropout masks, noise, gates (phase `retrain`), and for models that read sequences
 * sequences [B, K, L, D] and sequenceMask [B, K, L].
 * Outputs: taskLosses [T], penalty [], gradient [P] over the trainable parameters, embeddingGradient [B, F*D]; for models
 * that have them, sequenceGradient [B, K, L, D] and buffers [Q] after the step; and those of `taskGradients`: taskNorms [T],
 * or each gradient for each task alone.
 */
export function trainingGraph(request: TrainingRequest): TrainingGraph {
  const { outputs, ...parts } = trainingOutputs(request);
  return { ...compile(outputs, { batchHint: request.batchSize }), ...parts };
}

/** A training graph for ranks that have some of the rows of a batch each, in stages between which they add up sums over rows. */
export interface RankedGraph extends Pick<RankProgram, 'placements'> {
  /** In their order. */
  stages: CompiledGraph[];
}

/** `batchSize`: rows of a rank. @throws GRAPH_ROWS_MIXED */
export function rankedGraph(request: TrainingRequest): RankedGraph {
  const { stages, placements } = overRanks(trainingOutputs(request).outputs);
  const compiled = stages.map(({ outputs }) => compile(outputs, { batchHint: request.batchSize }));
  return { stages: compiled, placements };
}

function trainingOutputs(request: TrainingRequest) {
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
  const { dropout, noise, scalars } = built;
  return { outputs, trainable, dropout, noise, scalars };
}

/** The gradients of each task, and of the whole loss including the penalty. */
function wholeGradients(tasks: Record<string, Tensor>[], penalty: Record<string, Tensor>[]): Record<string, Tensor> {
  const names = Object.keys(tasks[0]);
  const sum = (name: string): Tensor => [...tasks, ...penalty].map((part) => part[name]).reduce(add);
  return Object.fromEntries([
    ...names.map((name) => [name, sum(name)]),
    ...tasks.flatMap((task, t) => names.map((name) => [taskOutput(t, name), task[name]])),
  ]);
}

/** Euclidean norm over all tensors. */
const norm = (tensors: readonly Tensor[]): Tensor =>
  sqrt(tensors.map((tensor) => reduceSum(mul(tensor, tensor))).reduce(add)); // []

/** All tensors flattened into one vector. */
const flatten = (tensors: readonly Tensor[]): Tensor =>
  concat(
    tensors.map((tensor) => reshape(tensor, [fixedElements(tensor.shape)])),
    0,
  );

/** The parameters that learn: all, except the frozen gate network if gates are inputs. */
function trainableParameters({ model, options, sizes, phase }: GraphRequest): ParameterSpec[] {
  const all = byGroup(networkOf(model, options, sizes).parameters);
  return phase === 'retrain' ? all.filter((spec) => !model.flowSelection?.isGateParameter(spec.name)) : all;
}
