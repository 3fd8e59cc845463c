/** One layer of AESM²: experts that all rows run through, and gates that choose and weigh them for each row. */
import {
  add,
  concat,
  expand,
  gather,
  matmul,
  mul,
  oneHot,
  reduceSum,
  relu,
  reshape,
  slice,
  softmax,
  type Tensor,
  transpose,
} from '../../graph/index.ts';
import type { ForwardInputs } from '../contract.ts';
import { batchNorm } from '../layers/norm.ts';
import type { Norm } from '../layers/stack.ts';
import type { Aesm2Options } from './options.ts';
import { masked, type Own, type Selection, select } from './selection.ts';
import type { Layer, Level } from './structure.ts';

type Inputs = ForwardInputs<Aesm2Options>;

/**
 * One use of a layer: by a level of the tree, or by a task. Task layers are used once for each task, with the same
 * parameters.
 */
export interface Use {
  layer: Layer;
  /** Names noise and outputs: the layer's, with the task's number behind it where there is one. */
  name: string;
  own: Own;
  /** [S, ind] what the gates read of each scenario, and of the task. */
  indicators: Tensor;
}

export interface Routed {
  /** [B, G, E] before noise. */
  gateLogits: Tensor;
  selection: Selection;
  /** [B, E] weights of the experts; 0 where not chosen, unless `maskMode` is `multiply`. */
  weights: Tensor;
}

/**
 * u [B, in] -> what each expert makes of it [E, B, h]: layers of product, norm, ReLU and dropout. A batch norm's moving averages
 * take the same batch up once for each of `uses`: n updates that keep a share d are one that keeps d^n.
 */
export function experts(u: Tensor, { name, expertDims }: Layer, mask: string, uses: number, inputs: Inputs): Tensor {
  const { expertNorm, bnDecay } = inputs.options;
  return expertDims.reduce((hidden, _, n) => {
    const product = matmul(hidden, inputs.parameter(`${name}.expert.${n}.kernel`)); // [E,B,h_n]
    const shifted = biasedOrNormed(product, `${name}.expert.${n}`, expertNorm, bnDecay ** uses, inputs);
    return inputs.dropout(relu(shifted), `${mask}.expert.${n}`);
  }, u);
}

/** Chooses and weighs the experts for rows u [B, in]. */
export function route(u: Tensor, { layer, name, own, indicators }: Use, inputs: Inputs): Routed {
  const { noiseScope, maskMode } = inputs.options;
  const gateLogits = gates(u, layer, indicators, inputs); // [B,G,E]
  const noised = withNoise(gateLogits, name, inputs);
  const selection = select(noised, own, layer);
  const mixed = own(noiseScope === 'all' ? noised : gateLogits); // [B,E]
  return { gateLogits, selection, weights: softmax(masked(mixed, selection.count, maskMode)) };
}

/**
 * Logits of all gates: u [B, in] -> [B, G, E]. The gates' input is u beside the row's indicators; what the indicators add is the
 * same for all rows of a scenario, so it is computed once for each.
 */
function gates(
  u: Tensor,
  { name, gates: count, experts: width, inputs: size }: Layer,
  indicators: Tensor,
  inputs: Inputs,
) {
  const kernels = inputs.parameter(`${name}.gate.kernel`); // [G,in+ind,E]
  const rows = kernels.shape[1] as number;
  const kernel = reshape(transpose(kernels, [1, 0, 2]), [rows, count * width]); // [in+ind,G*E]
  const perScenario = matmul(indicators, slice(kernel, 0, size, rows)); // [S,G*E]
  const indicated = matmul(oneHot(inputs.scenario, inputs.sizes.scenarios), perScenario); // [B,G*E]
  const product = add(matmul(u, slice(kernel, 0, 0, size)), indicated); // [B,G*E]
  const { gateNorm, bnDecay } = inputs.options;
  return reshape(biasedOrNormed(product, `${name}.gate`, gateNorm, bnDecay, inputs), ['B', count, width]); // [B,G,E]
}

/** Products [B, n] or [K, B, n] with the bias, or the batch norm, of that name. `decay`: what moving averages keep. */
function biasedOrNormed(product: Tensor, name: string, norm: Norm, decay: number, inputs: Inputs): Tensor {
  if (norm === 'batch') return batchNorm(product, `${name}.norm`, inputs, { epsilon: 1e-3, momentum: 1 - decay });
  const row = product.shape.map((size) => (size === 'B' ? 1 : size));
  return add(product, reshape(inputs.parameter(`${name}.bias`), row));
}

function withNoise(gateLogits: Tensor, name: string, { options, noise, scalar }: Inputs): Tensor {
  const [, count, width] = gateLogits.shape as ['B', number, number];
  const drawn = options.noise === 0 ? undefined : noise(name, count * width); // [B,G*E]
  return drawn === undefined ? gateLogits : add(gateLogits, mul(reshape(drawn, gateLogits.shape), scalar('noise')));
}

/** Picks the gate of each row's node. */
export function ownNode({ nodes, count }: Level, { scenario, embedding: { graph } }: Inputs): Own {
  const node = gather(graph.constant(nodes, [nodes.length], 'int32'), scenario); // int32 [B]
  const own = reshape(oneHot(node, count), ['B', count, 1]); // [B,G,1]
  return (perGate) => reduceSum(mul(perGate, own), [1]); // [B,E]
}

/** Picks the gate of one task, for all rows. */
export const ownTask =
  (task: number): Own =>
  (perGate) =>
    reshape(slice(perGate, 1, task, task + 1), ['B', perGate.shape[2]]); // [B,E]

/** The embeddings of each scenario's nodes from the root down to a level, side by side: [S, levels * ds]. */
export function scenarioIndicators(levels: readonly Level[], { parameter, embedding: { graph } }: Inputs): Tensor {
  const parts = levels.map(({ nodes }, l) =>
    gather(parameter(`scenarioEmbedding.${l}`), graph.constant(nodes, [nodes.length], 'int32')),
  ); // [S,ds] each
  return concat(parts, 1);
}

/** The same beside the embedding of a task: [S, ind + dt]. */
export function taskIndicators(scenarios: Tensor, task: number, { parameter, sizes }: Inputs): Tensor {
  const own = slice(parameter('taskEmbedding'), 0, task, task + 1); // [1,dt]
  return concat([scenarios, expand(own, [sizes.scenarios, own.shape[1]])], 1);
}
