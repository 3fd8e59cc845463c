/**
 * PCGrad (Yu et al.: Gradient Surgery for Multi-Task Learning, NeurIPS 2020): if the gradients of two tasks conflict, each
 * is projected onto the normal plane of the other. A task's gradient is that of its weighted loss with respect to all dense
 * parameters and the table rows of the batch, as one vector. Penalties of the model belong to no task and are not projected.
 */
import { random, shuffle } from '../../base/random.ts';
import type { StepOutcome, TaskWeighting } from './contract.ts';

export interface PcgradOptions {
  /** Weights of the losses. */
  weights: readonly number[];
  /** Together with the step, these determine the order in which a task is projected. */
  seed: number;
  phase: string;
}

export const pcgrad = ({ weights, seed, phase }: PcgradOptions): TaskWeighting => ({
  weights: () => weights,
  async afterRun(outcome) {
    const shares = await projectGradients(outcome, meetings(weights.length, seed, phase, outcome.step));
    return weights.map((weight, t) => weight * shares[t]);
  },
});

/** For each task the other tasks, in an order that depends only on (seed, phase, step). */
function meetings(tasks: number, ...key: (string | number)[]): number[][] {
  const generator = random('pcgrad', ...key);
  return Array.from({ length: tasks }, (_, task) => {
    const others = Array.from({ length: tasks }, (_, t) => t).filter((t) => t !== task);
    shuffle(others, generator);
    return others;
  });
}

/** Adds the changes by projections to the gradients: without a conflict nothing changes. Returns the factors of the tasks. */
async function projectGradients(
  { gradients, taskGradients, sumOverOwners }: StepOutcome,
  order: readonly number[][],
): Promise<number[]> {
  const tasks = await taskGradients();
  const ofRows = Float64Array.from(tasks.flatMap((a) => tasks.map((b) => dot(a.rows, b.rows))));
  await sumOverOwners(ofRows);
  const products = tasks.map((a, s) => tasks.map((b, t) => dot(a.dense, b.dense) + ofRows[s * tasks.length + t]));
  const shares = projectionShares(products, order);
  tasks.forEach(({ dense, rows }, t) => {
    if (shares[t] === 1) return;
    addScaled(gradients.dense.view, dense, shares[t] - 1);
    addScaled(gradients.summed.view, rows, shares[t] - 1);
  });
  return shares;
}

/**
 * Algorithm 1 on inner products only. A projected gradient is a linear combination of the task gradients, so projecting it needs only
 * their inner products. Returns the factor of each task's gradient in the sum of the projected ones.
 *
 * @param products [T, T]
 * @param order for each task the other tasks, in the order of projection
 */
export function projectionShares(products: readonly number[][], order: readonly number[][]): number[] {
  const shares = products.map(() => 0);
  order.forEach((others, task) => {
    const factors = products.map((_, t) => Number(t === task)); // of the projected gradient
    for (const other of others) {
      const along = factors.reduce((sum, factor, t) => sum + factor * products[t][other], 0);
      if (along < 0) factors[other] -= along / products[other][other];
    }
    factors.forEach((factor, t) => {
      shares[t] += factor;
    });
  });
  return shares;
}

function dot(a: Float32Array, b: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += a[i] * b[i];
  return sum;
}

function addScaled(to: Float32Array, from: Float32Array, factor: number): void {
  for (let i = 0; i < from.length; i++) to[i] += factor * from[i];
}
