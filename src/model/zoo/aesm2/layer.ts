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
} from '../../../graph/index.ts';
import type { ForwardInputs } from '../../contract.ts';
import { batchNorm } from '../../layers/norms/norm.ts';
import { stackedLinear } from '../../layers/stack.ts';
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
  /** [G, E, B] before noise. */
  gateLogits: Tensor;
  selection: Selection;
  /** [E, B] weights of the experts; 0 where not chosen, unless `maskMode` is `multiply`. */
  weights: Tensor;
}

/**
 * u [B, in] -> what each expert makes of it [E, B, h]: layers of product, norm, ReLU and dropout. A batch norm's moving averages
 * take the same batch up once for each of `uses`: n updates that keep a share d are one that keeps d^n.
 */
export function experts(u: Tensor, { name, expertDims }: Layer, mask: string, uses: number, inputs: Inputs): Tensor {
  const { expertNorm, bnDecay } = inputs.options;
  return expertDims.reduce((hidden, _, n) => {
    const part = `${name}.expert.${n}`;
    const shifted =
      expertNorm === 'none'
        ? stackedLinear(hidden, part, inputs.parameter) // [E,B,h_n]
        : normed(matmul(hidden, inputs.parameter(`${part}.kernel`)), part, bnDecay ** uses, inputs);
    return inputs.dropout(relu(shifted), `${mask}.expert.${n}`);
  }, u);
}

/** Chooses and weighs the experts for rows u [B, in]. */
export function route(u: Tensor, { layer, name, own, indicators }: Use, inputs: Inputs): Routed {
  const { noiseScope, maskMode } = inputs.options;
  const gateLogits = gates(u, layer, indicators, inputs); // [G,E,B]
  const noised = withNoise(gateLogits, name, inputs);
  const selection = select(noised, own, layer);
  const mixed = own(noiseScope === 'all' ? noised : gateLogits); // [E,B]
  return { gateLogits, selection, weights: softmax(masked(mixed, selection.count, maskMode), 0) };
}

/**
 * Logits of all gates: u [B, in] -> [G, E, B]. The gates' input is u beside the row's indicators; what the indicators add is the
 * same for all rows of a scenario, so it is computed once for each.
 */
function gates(u: Tensor, layer: Layer, indicators: Tensor, inputs: Inputs): Tensor {
  const { name, gates: count, experts: width, inputs: size } = layer;
  const kernels = inputs.parameter(`${name}.gate.kernel`); // [G,in+ind,E]
  const rows = kernels.shape[1] as number;
  const kernel = reshape(transpose(kernels, [1, 0, 2]), [rows, count * width]); // [in+ind,G*E]
  const perScenario = matmul(indicators, slice(kernel, 0, size, rows)); // [S,G*E]
  const product = add(
    turnedProduct(u, slice(kernel, 0, 0, size)),
    turnedProduct(oneHot(inputs.scenario, inputs.sizes.scenarios), perScenario),
  ); // [G*E,B]
  return reshape(gateShift(product, `${name}.gate`, inputs), [count, width, 'B']); // [G,E,B]
}

/** x [B, in] and a matrix [in, out] -> their product as [out, B]. */
const turnedProduct = (x: Tensor, matrix: Tensor): Tensor => matmul(matrix, x, { transposeA: true, transposeB: true });

/** Products [n, B] with the gates' bias or batch norm. */
function gateShift(product: Tensor, name: string, inputs: Inputs): Tensor {
  const { gateNorm, bnDecay } = inputs.options;
  if (gateNorm === 'none') return add(product, reshape(inputs.parameter(`${name}.bias`), [product.shape[0], 1]));
  return transpose(normed(transpose(product, [1, 0]), name, bnDecay, inputs), [1, 0]);
}

/** Batch norm of [B, n], or of a stack [K, B, n]. `decay`: what moving averages keep. */
const normed = (x: Tensor, name: string, decay: number, inputs: Inputs): Tensor =>
  batchNorm(x, `${name}.norm`, inputs, { epsilon: 1e-3, momentum: 1 - decay });

function withNoise(gateLogits: Tensor, name: string, { options, noise, scalar }: Inputs): Tensor {
  const [count, width] = gateLogits.shape as [number, number, 'B'];
  const drawn = options.noise === 0 ? undefined : noise(name, count * width); // [B,G*E]
  if (drawn === undefined) return gateLogits;
  return add(gateLogits, mul(reshape(transpose(drawn, [1, 0]), gateLogits.shape), scalar('noise'))); // [G,E,B]
}

/** Picks the gate of each row's node. */
export function ownNode({ nodes, count }: Level, { scenario, embedding: { graph } }: Inputs): Own {
  const node = gather(graph.constant(nodes, [nodes.length], 'int32'), scenario); // int32 [B]
  const own = reshape(transpose(oneHot(node, count), [1, 0]), [count, 1, 'B']); // [G,1,B]
  return (perGate) => reduceSum(mul(perGate, own), [0]); // [E,B]
}

/** Picks the gate of one task, for all rows. */
export const ownTask =
  (task: number): Own =>
  (perGate) =>
    reshape(slice(perGate, 0, task, task + 1), [perGate.shape[1], 'B']); // [E,B]

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
