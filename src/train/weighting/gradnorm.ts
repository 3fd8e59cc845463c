/**
 * GradNorm (Chen, Badrinarayanan, Lee, Rabinovich, ICML 2018): weights are learned so that the gradient norms of the tasks at
 * a shared representation follow their relative training rates. Here that representation is the input of the network, the
 * embeddings of the batch: every model has it, and every task reaches it.
 */
import type { TaskWeighting } from './contract.ts';

export interface GradNormState {
  /** Task weights; their sum is T. */
  weights: number[];
  /** L_t(0): losses of the first batch of the phase that has labels of all tasks. */
  initial: number[] | null;
  /** Adam's moments of the weights, and its steps. */
  first: number[];
  second: number[];
  steps: number;
}

export interface GradNormOptions {
  alpha: number;
  learningRate: number;
}

export const startGradNorm = (tasks: number): GradNormState => ({
  weights: new Array<number>(tasks).fill(1),
  initial: null,
  first: new Array<number>(tasks).fill(0),
  second: new Array<number>(tasks).fill(0),
  steps: 0,
});

export const gradNorm = (state: GradNormState, options: GradNormOptions): TaskWeighting => ({
  weights: () => state.weights,
  afterRun({ losses, results }) {
    // Tasks are compared with each other, so a batch without labels of one task (NaN) is skipped.
    if (losses.every((loss) => loss > 0))
      learnWeights(state, Array.from(losses), Array.from(results.taskNorms.data), options);
    return undefined;
  },
});

/** One step of algorithm 1: gradient, Adam, renormalisation to the sum T. */
export function learnWeights(
  state: GradNormState,
  losses: readonly number[],
  norms: readonly number[],
  { alpha, learningRate }: GradNormOptions,
): void {
  state.initial ??= [...losses];
  const gradient = weightsGradient(state.weights, norms, trainingRates(losses, state.initial), alpha);
  state.steps++;
  state.first = state.first.map((m, t) => BETA1 * m + (1 - BETA1) * gradient[t]);
  state.second = state.second.map((v, t) => BETA2 * v + (1 - BETA2) * gradient[t] ** 2);
  const moved = state.weights.map((weight, t) => {
    const first = state.first[t] / (1 - BETA1 ** state.steps);
    const second = state.second[t] / (1 - BETA2 ** state.steps);
    return Math.max(LEAST, weight - (learningRate * first) / (Math.sqrt(second) + EPSILON));
  });
  const sum = moved.reduce((total, weight) => total + weight, 0);
  state.weights = moved.map((weight) => (moved.length * weight) / sum);
}

const BETA1 = 0.9;
const BETA2 = 0.999;
/** Must be small relative to gradients of batch means, which are small. */
const EPSILON = 1e-12;
/** Weights stay above 0, which the paper does not require: training would increase a loss with a negative weight. */
const LEAST = 0.01;

/** Relative inverse training rates r_t: L_t / L_t(0) divided by its mean over the tasks. */
export function trainingRates(losses: readonly number[], initial: readonly number[]): number[] {
  const ratios = losses.map((loss, t) => loss / initial[t]);
  const mean = ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length;
  return ratios.map((ratio) => ratio / mean);
}

/**
 * Equation 2: d/dw_t of sum_t |G_t - mean(G) r_t^alpha|, where the target is constant and G_t is proportional to w_t. So
 * the derivative is the sign of the difference times G_t / w_t.
 */
export function weightsGradient(
  weights: readonly number[],
  norms: readonly number[],
  rates: readonly number[],
  alpha: number,
): number[] {
  const mean = norms.reduce((sum, norm) => sum + norm, 0) / norms.length;
  return norms.map((norm, t) => (Math.sign(norm - mean * rates[t] ** alpha) * norm) / weights[t]);
}
