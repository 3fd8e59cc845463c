/**
 * Uncertainty weighting (Kendall, Gal, Cipolla: Multi-Task Learning Using Uncertainty to Weigh Losses, CVPR 2018).
 *
 * The loss is sum_t exp(-s_t) L_t + s_t / 2 with s_t = log sigma_t^2 learned. The factor of L_t is the paper's for
 * classification, 1 / sigma^2 (equation 10: the likelihood of logits divided by sigma^2, log loss approximated); 1 / (2 sigma^2)
 * (equation 5) is for squared errors. At the optimum exp(-s_t) = 1 / (2 L_t): all tasks contribute equally to the loss.
 */
import type { ParameterSpec } from '../../model/contract.ts';
import type { TaskWeighting } from './contract.ts';

/** s: [T], learned by the run's optimiser; stored in checkpoints but not in finished models. */
export const LOG_VARIANCE = 'weighting.logVariance';

/** Optimiser group of the variances. It has L2 and weight decay only if the run sets them. */
export const WEIGHTING_GROUP = 'weighting';

export const logVarianceSpec = (tasks: number): ParameterSpec => ({
  name: LOG_VARIANCE,
  shape: [tasks],
  initializer: { kind: 'zeros' },
  group: WEIGHTING_GROUP,
});

/** `logVariance` are the first numbers of the flat vector of parameters, and its gradient those of the flat gradient. */
export const uncertainty = (logVariance: Float32Array): TaskWeighting => ({
  weights: () => Array.from(logVariance, (s) => Math.exp(-s)),
  afterRun({ losses, scale, gradients: { dense } }) {
    const gradient = variancesGradient(logVariance, losses);
    dense.view.set(gradient.map((g) => scale * g));
    return undefined;
  },
});

/** d/ds_t of exp(-s_t) L_t + s_t / 2; 0 for a task without labels in the batch. */
export const variancesGradient = (logVariance: ArrayLike<number>, losses: ArrayLike<number>): number[] =>
  Array.from(losses, (loss, t) => (Number.isNaN(loss) ? 0 : 1 / 2 - Math.exp(-logVariance[t]) * loss));
