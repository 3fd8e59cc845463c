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
import type { Layer, Step } from '../../contract.ts';
import { layer } from '../layer.ts';
import { affine, movingAverages } from './norm.ts';

const EPSILON = 1e-5;
/** Share of a batch in the moving averages. */
const MOMENTUM = 0.1;

/**
 * x [B, n] -> [B, n]. In training, mean and variance are those of a scenario's rows in the batch, the variance biased, and its
 * moving averages take up a share of them, the variance unbiased. One row has no variance: a scenario with fewer than two
 * rows in the batch is normalised by its moving averages, as all are in scoring, and these stay as they are.
 */
export function partitionedNorm(name: string, { scenarios, size }: { scenarios: number; size: number }): Layer {
  const common = affine(name, [size]);
  const own = affine(`${name}.scenario`, [scenarios, size]);
  const moving = movingAverages(name, [scenarios, size]);
  const parts = [common.scale, common.shift, own.scale, own.shift, moving.mean, moving.variance];
  return layer(parts, (x, step) => {
    const scenario = oneHot(step.scenario, scenarios); // [B,S]
    const scale = mul(common.scale(step), own.scale(step)); // [S,n]
    const shift = add(common.shift(step), own.shift(step)); // [S,n]
    const { centred, variance } = step.training
      ? batchStatistics(x, scenario, moving, step)
      : { centred: sub(x, matmul(scenario, moving.mean(step))), variance: moving.variance(step) }; // [B,n], [S,n]
    const factor = mul(scale, reciprocal(sqrt(add(variance, EPSILON)))); // [S,n]
    return add(mul(centred, matmul(scenario, factor)), matmul(scenario, shift)); // [B,n]
  });
}

/** Rows less the mean of their scenario [B, n] and the variance of each scenario [S, n]; the moving averages move. */
function batchStatistics(x: Tensor, own: Tensor, moving: ReturnType<typeof movingAverages>, step: Step) {
  const [movingMean, movingVariance] = [moving.mean(step), moving.variance(step)]; // [S,n]
  const rows = reshape(reduceSum(own, [0]), [own.shape[1], 1]); // [S,1]
  const known = greater(rows, 1.5); // [S,1]
  const meanOf = (values: Tensor): Tensor => div(matmul(own, values, { transposeA: true }), maximum(rows, 1)); // [S,n]

  const mean = meanOf(x); // [S,n]
  const centred = sub(x, matmul(own, where(known, mean, movingMean))); // [B,n]
  const variance = meanOf(mul(centred, centred)); // [S,n], of no meaning where not known
  const unbiased = mul(variance, div(rows, maximum(sub(rows, 1), 1))); // [S,n]

  const share = mul(cast(known, 'float32'), MOMENTUM); // [S,1]
  const moved = (before: Tensor, batch: Tensor): Tensor => add(before, mul(share, sub(batch, before))); // [S,n]
  moving.mean.set(moved(movingMean, mean), step);
  moving.variance.set(moved(movingVariance, unbiased), step);
  return { centred, variance: where(known, variance, movingVariance) };
}
