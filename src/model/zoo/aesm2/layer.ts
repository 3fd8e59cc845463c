/**
 * One layer of AESM² for rows u, in the order of the paper's section 3.2:
 *
 *   g = gates([u ; indicators])    noised = g + noise    selection (selection.ts) = the experts chosen by noised
 *   w = softmax(g_own of the chosen)                     u' = sum_e w_e expert_e(u)
 *
 * All rows run through all experts; those that a row's gates have not chosen have weight 0.
 */
import type { Tensor } from '../../../graph/index.ts';
import { add, matmul, mul, oneHot, relu, reshape, slice, softmax, transpose } from '../../../graph/index.ts';
import type { Layer, Step } from '../../contract.ts';
import { layer, widthsOf, xavier } from '../../layers/layer.ts';
import { type LinearSizes, linear, sideBySide } from '../../layers/linear.ts';
import { weightedSum } from '../../layers/mixture.ts';
import { batchNorm } from '../../layers/norms/norm.ts';
import type { Aesm2Options } from './options.ts';
import { masked, type Own, type Selection, select } from './selection.ts';
import type { LayerSizes } from './structure.ts';

/** One use of a layer: by a level of the tree, or by a task. Each task uses the layers of tasks, with the same parameters. */
export interface Use {
  task?: number;
  own: Own;
  /** [S, ind] what the gates read of each scenario, and of the task. */
  indicators: Tensor;
}

/** What the gates of a use decided, and what came out. */
export interface Used {
  /** The layer's name, followed by the task's number where there is one: names noise and outputs, too. */
  name: string;
  /** [G, E, B] before noise. */
  gateLogits: Tensor;
  selection: Selection;
  /** [E, B] weights of the experts; 0 where not chosen, unless `maskMode` is `multiply`. */
  weights: Tensor;
  /** [B, h] */
  output: Tensor;
}

export type ExpertLayer = ReturnType<typeof expertLayer>;

/** u [B, in] -> what each use makes of it. The experts are computed once for all of the `perCall` uses. */
export function expertLayer(sizes: LayerSizes, options: Aesm2Options, perCall: number) {
  const { name, inputs, experts: count, expertDims } = sizes;
  const route = router(sizes, options);
  const experts = widthsOf(inputs, expertDims).map((widths, n) =>
    expertProduct(`${name}.expert.${n}`, { count, ...widths }, options, perCall),
  );
  return layer([...experts, route], (u: Tensor, uses: Use[], step: Step): Used[] => {
    const routed = uses.map((use) => route(u, use, step));
    const weights = sideBySide(routed.map((one) => transpose(one.weights, [1, 0]))); // [H,B,E]
    const mask = routed.length === 1 ? routed[0].name : name;
    const product = (hidden: Tensor, dense: Layer, n: number): Tensor =>
      step.dropout(relu(dense(hidden, step)), `${mask}.expert.${n}`); // [E,B,h]
    const mixed = weightedSum(weights, experts.reduce(product, u)); // [H,B,h]
    return routed.map((one, i) => ({ ...one, output: reshape(slice(mixed, 0, i, i + 1), ['B', mixed.shape[2]]) }));
  });
}

/** Chooses and weighs the experts for rows u [B, in]. */
function router(sizes: LayerSizes, options: Aesm2Options): Layer<[u: Tensor, use: Use], Omit<Used, 'output'>> {
  const gates = gateLayer(sizes, options);
  return layer([gates], (u: Tensor, { task, own, indicators }: Use, step: Step) => {
    const name = task === undefined ? sizes.name : `${sizes.name}.${task}`;
    const gateLogits = gates(u, indicators, step); // [G,E,B]
    const drawn = options.noise === 0 ? undefined : step.noise(name, sizes.gates * sizes.experts); // [B,G*E]
    const noise = (all: Tensor): Tensor => mul(reshape(transpose(all, [1, 0]), gateLogits.shape), step.scalar('noise'));
    const noised = drawn === undefined ? gateLogits : add(gateLogits, noise(drawn)); // [G,E,B]
    const selection = select(noised, own, sizes);
    const ownLogits = own(options.noiseScope === 'all' ? noised : gateLogits); // [E,B]
    return { name, gateLogits, selection, weights: softmax(masked(ownLogits, selection.count, options.maskMode), 0) };
  });
}

/**
 * Logits of all gates: u [B, in] and indicators [S, ind] -> [G, E, B]. What indicators add is the same for all rows of a scenario
 * and computed once for each.
 */
function gateLayer(sizes: LayerSizes, { gateNorm, bnDecay }: Aesm2Options) {
  const { gates: count, experts: outputs, inputs } = sizes;
  const name = `${sizes.name}.gate`;
  const [rows, all] = [inputs + sizes.indicators, count * outputs];
  const dense = linear(name, { count, inputs: rows, outputs, start: xavier(rows, outputs) });
  const normed = slowNorm(name, [count, outputs], bnDecay);
  const parts = [dense.kernel, gateNorm === 'none' ? dense.bias : normed];
  return layer(parts, (u: Tensor, indicators: Tensor, step: Step) => {
    const kernel = reshape(transpose(dense.kernel(step), [1, 0, 2]), [rows, all]); // [in+ind,G*E]
    const perScenario = matmul(indicators, slice(kernel, 0, inputs, rows)); // [S,G*E]
    const ofRows = turnedProduct(u, slice(kernel, 0, 0, inputs)); // [G*E,B]
    const ofScenarios = turnedProduct(oneHot(step.scenario, indicators.shape[0] as number), perScenario); // [G*E,B]
    const logits = add(ofRows, ofScenarios); // [G*E,B]
    const shifted =
      gateNorm === 'none'
        ? add(logits, reshape(dense.bias(step), [all, 1]))
        : transpose(normed(transpose(logits, [1, 0]), step), [1, 0]); // [G*E,B]
    return reshape(shifted, [count, outputs, 'B']); // [G,E,B]
  });
}

/** x [B, in] and a matrix [in, out] -> their product as [out, B]. */
const turnedProduct = (x: Tensor, matrix: Tensor): Tensor => matmul(matrix, x, { transposeA: true, transposeB: true });

/** Products of all experts, with a bias or a batch norm, whose shift is one: x as in `linear` -> [E, B, out]. */
function expertProduct(
  name: string,
  sizes: LinearSizes & { count: number },
  options: Aesm2Options,
  perCall: number,
): Layer {
  const dense = linear(name, { ...sizes, start: xavier(sizes.inputs, sizes.outputs) });
  if (options.expertNorm === 'none') return dense;
  // The moving averages take the same batch up once for each use: n updates that keep a share d are one that keeps d^n.
  const normed = slowNorm(name, [sizes.count, sizes.outputs], options.bnDecay ** perCall);
  return layer([dense.kernel, normed], (x, step) => normed(matmul(x, dense.kernel(step)), step));
}

/** `decay`: what moving averages keep in a step. */
const slowNorm = (name: string, shape: readonly number[], decay: number): Layer =>
  batchNorm(`${name}.norm`, shape, { epsilon: 1e-3, momentum: 1 - decay });
