/** One layer of AESM²: experts that all rows run through, and gates that choose and weigh them for each row. */
import type { Tensor } from '../../../graph/index.ts';
import { add, concat, matmul, mul, oneHot, relu, reshape, slice, softmax, transpose } from '../../../graph/index.ts';
import type { Layer, ModelSizes, Step } from '../../contract.ts';
import { layer, parameter, widthsOf, xavier } from '../../layers/layer.ts';
import { linear } from '../../layers/linear.ts';
import { weightedSum } from '../../layers/mixture.ts';
import { batchNorm, type Norm } from '../../layers/norms/norm.ts';
import type { Aesm2Options } from './options.ts';
import { masked, type Own, type Selection, select } from './selection.ts';
import type { LayerSizes } from './structure.ts';

/**
 * One use of a layer: by a level of the tree, or by a task. Task layers are used once for each task, with the same
 * parameters.
 */
export interface Use {
  /** Names noise and outputs: the layer's name, followed by the task's number where there is one. */
  name: string;
  own: Own;
  /** [S, ind] what the gates read of each scenario, and of the task. */
  indicators: Tensor;
}

/** What the gates of a use decide. */
interface Routed {
  /** [G, E, B] before noise. */
  gateLogits: Tensor;
  selection: Selection;
  /** [E, B] weights of the experts; 0 where not chosen, unless `maskMode` is `multiply`. */
  weights: Tensor;
}

/** A use of a layer, what its gates decided, and what came out [B, h]. */
export interface Used extends Routed {
  name: string;
  output: Tensor;
}

/** u [B, in] -> what each use makes of it. The experts are computed once for all of the `perCall` uses. */
export function expertLayer(
  sizes: LayerSizes,
  options: Aesm2Options,
  data: ModelSizes,
  perCall: number,
): Layer<[u: Tensor, uses: Use[]], Used[]> {
  const { name, experts: count, expertDims } = sizes;
  // A batch norm's moving averages take the same batch up once for each use: n updates that keep a share d are one that keeps d^n.
  const decay = options.bnDecay ** perCall;
  const products = widthsOf(sizes.inputs, expertDims).map((widths, n) =>
    product(`${name}.expert.${n}`, { ...widths, count, norm: options.expertNorm, decay }),
  );
  const route = router(sizes, options, data);
  return layer([...products, route], (u: Tensor, uses: Use[], step: Step) => {
    const routed = uses.map((use) => route(u, use, step));
    const weights = stacked(routed.map((one) => transpose(one.weights, [1, 0]))); // [H,B,E]
    const mask = uses.length === 1 ? uses[0].name : name;
    const made = products.reduce(
      (hidden, dense, n) => step.dropout(relu(dense(hidden, step)), `${mask}.expert.${n}`),
      u,
    ); // [E,B,h]
    const outputs = weightedSum(weights, made); // [H,B,h]
    return routed.map((one, i) => ({
      ...one,
      name: uses[i].name,
      output: reshape(slice(outputs, 0, i, i + 1), ['B', outputs.shape[2]]), // [B,h]
    }));
  });
}

/** [B, n] each -> [H, B, n]. */
export const stacked = (rows: Tensor[]): Tensor =>
  concat(
    rows.map((one) => reshape(one, [1, ...one.shape])),
    0,
  );

/** Products of a stack, with a bias, or with a batch norm, whose shift is one: x as in `linear` -> [K, B, out]. */
function product(
  name: string,
  sizes: { count: number; inputs: number; outputs: number; norm: Norm; decay: number },
): Layer {
  const { count, inputs, outputs, norm, decay } = sizes;
  const start = xavier(inputs, outputs);
  if (norm === 'none') return linear(name, { count, inputs, outputs, start });
  const kernel = parameter(`${name}.kernel`, [count, inputs, outputs], start.kernel);
  const normed = slowNorm(name, [count, outputs], decay);
  return layer([kernel, normed], (x, step) => normed(matmul(x, kernel(step)), step)); // [K,B,out]
}

/** `decay`: what moving averages keep in a step. */
const slowNorm = (name: string, shape: readonly number[], decay: number): Layer =>
  batchNorm(`${name}.norm`, shape, { epsilon: 1e-3, momentum: 1 - decay });

/** Chooses and weighs the experts for rows u [B, in]. */
function router(sizes: LayerSizes, options: Aesm2Options, data: ModelSizes): Layer<[u: Tensor, use: Use], Routed> {
  const { noise, noiseScope, maskMode } = options;
  const { gates: count, experts: width } = sizes;
  const gates = gateLayer(sizes, options, data);
  return layer([gates], (u: Tensor, { name, own, indicators }: Use, step: Step) => {
    const gateLogits = gates(u, indicators, step); // [G,E,B]
    const drawn = noise === 0 ? undefined : step.noise(name, count * width); // [B,G*E]
    const noised =
      drawn === undefined
        ? gateLogits
        : add(gateLogits, mul(reshape(transpose(drawn, [1, 0]), gateLogits.shape), step.scalar('noise'))); // [G,E,B]
    const selection = select(noised, own, sizes);
    const mixed = own(noiseScope === 'all' ? noised : gateLogits); // [E,B]
    return { gateLogits, selection, weights: softmax(masked(mixed, selection.count, maskMode), 0) };
  });
}

/**
 * Logits of all gates: u [B, in] -> [G, E, B]. The gates read u and the row's indicators; what the indicators add is the
 * same for all rows of a scenario, so it is computed once for each.
 */
function gateLayer(sizes: LayerSizes, { gateNorm, bnDecay }: Aesm2Options, { scenarios }: ModelSizes) {
  const { gates: count, experts: width, inputs } = sizes;
  const name = `${sizes.name}.gate`;
  const rows = inputs + sizes.indicators;
  const start = xavier(rows, width);
  const kernels = parameter(`${name}.kernel`, [count, rows, width], start.kernel);
  const bias = parameter(`${name}.bias`, [count, width], start.bias);
  const normed = slowNorm(name, [count, width], bnDecay);
  const parts = [kernels, gateNorm === 'none' ? bias : normed];
  return layer(parts, (u: Tensor, indicators: Tensor, step: Step) => {
    const kernel = reshape(transpose(kernels(step), [1, 0, 2]), [rows, count * width]); // [in+ind,G*E]
    const perScenario = matmul(indicators, slice(kernel, 0, inputs, rows)); // [S,G*E]
    const all = add(
      turnedProduct(u, slice(kernel, 0, 0, inputs)),
      turnedProduct(oneHot(step.scenario, scenarios), perScenario),
    ); // [G*E,B]
    const shifted =
      gateNorm === 'none'
        ? add(all, reshape(bias(step), [count * width, 1]))
        : transpose(normed(transpose(all, [1, 0]), step), [1, 0]); // [G*E,B]
    return reshape(shifted, [count, width, 'B']); // [G,E,B]
  });
}

/** x [B, in] and a matrix [in, out] -> their product as [out, B]. */
const turnedProduct = (x: Tensor, matrix: Tensor): Tensor => matmul(matrix, x, { transposeA: true, transposeB: true });
