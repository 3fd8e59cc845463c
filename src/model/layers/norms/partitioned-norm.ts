/**
 * Partitioned norm (Sheng et al., CIKM 2021, section 3.2): batch norm by scenario. A row is normalised by the mean and variance of
 * its own scenario's rows, because rows of different scenarios do not come from one distribution.
 *
 *   y = (x - mean_s) / sqrt(variance_s + 1e-5) * (scale * scale_s) + (shift + shift_s)
 */
import {
  add,
  cast,
  div,
  greater,
  matmul,
  maximum,
  mul,
  oneHot,
  reciprocal,
  reduceSum,
  reshape,
  sqrt,
  sub,
  type Tensor,
  where,
} from '../../../graph/index.ts';
import type { BufferSpec, CommonOptions, ForwardInputs, ParameterSpec } from '../../contract.ts';
import { batchNormBuffers, normParameters } from './norm.ts';

const EPSILON = 1e-5;
/** Share of a batch in the moving averages. */
const MOMENTUM = 0.1;

/**
 * x [B, n] -> [B, n]. In training, mean and variance are those of a scenario's rows in the batch, the variance biased, and its
 * moving averages take up a share of them, the variance unbiased. One row has no variance: a scenario with fewer than two
 * rows in the batch is normalised by its moving averages, as all are in scoring, and these stay as they are.
 */
export function partitionedNorm(x: Tensor, name: string, inputs: ForwardInputs<CommonOptions>): Tensor {
  const { scenario, sizes, training, parameter, buffer } = inputs;
  const own = oneHot(scenario, sizes.scenarios); // [B,S]
  const [scale, shift] = [
    mul(parameter(`${name}.scale`), parameter(`${name}.scenario.scale`)), // [S,n]
    add(parameter(`${name}.shift`), parameter(`${name}.scenario.shift`)), // [S,n]
  ];
  const { centred, variance } = training
    ? batchStatistics(x, own, name, inputs)
    : { centred: sub(x, matmul(own, buffer(`${name}.mean`))), variance: buffer(`${name}.variance`) }; // [B,n], [S,n]
  const factor = mul(scale, reciprocal(sqrt(add(variance, EPSILON)))); // [S,n]
  return add(mul(centred, matmul(own, factor)), matmul(own, shift)); // [B,n]
}

/** Rows less the mean of their scenario [B, n] and the variance of each scenario [S, n]; the moving averages move. */
function batchStatistics(
  x: Tensor,
  own: Tensor,
  name: string,
  { buffer, setBuffer }: ForwardInputs<CommonOptions>,
): { centred: Tensor; variance: Tensor } {
  const [movingMean, movingVariance] = [buffer(`${name}.mean`), buffer(`${name}.variance`)]; // [S,n]
  const rows = reshape(reduceSum(own, [0]), [own.shape[1], 1]); // [S,1]
  const known = greater(rows, 1.5); // [S,1]
  const meanOf = (values: Tensor): Tensor => div(matmul(own, values, { transposeA: true }), maximum(rows, 1)); // [S,n]

  const mean = meanOf(x); // [S,n]
  const centred = sub(x, matmul(own, where(known, mean, movingMean))); // [B,n]
  const variance = meanOf(mul(centred, centred)); // [S,n], of no meaning where not known
  const unbiased = mul(variance, div(rows, maximum(sub(rows, 1), 1))); // [S,n]

  const share = mul(cast(known, 'float32'), MOMENTUM); // [S,1]
  const moved = (before: Tensor, batch: Tensor): Tensor => add(before, mul(share, sub(batch, before)));
  setBuffer(`${name}.mean`, moved(movingMean, mean));
  setBuffer(`${name}.variance`, moved(movingVariance, unbiased));
  return { centred, variance: where(known, variance, movingVariance) };
}

export const partitionedNormParameters = (name: string, scenarios: number, size: number): ParameterSpec[] => [
  ...normParameters(name, [size]),
  ...normParameters(`${name}.scenario`, [scenarios, size]),
];

/** Moving mean and variance of each scenario. */
export const partitionedNormBuffers = (name: string, scenarios: number, size: number): BufferSpec[] =>
  batchNormBuffers(name, [scenarios, size]);
