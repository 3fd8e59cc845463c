/**
 * Dynamic weight average (Liu, Johns, Davison: End-to-End Multi-Task Learning with Attention, CVPR 2019, section 3.4): a task
 * whose loss fell less from epoch to epoch gets more weight.
 */
import type { TaskWeighting } from './contract.ts';

export interface DwaState {
  /** Mean losses [T] of the last epochs of this phase, at most two, the newest last; null for a task without labels. */
  losses: (number | null)[][];
}

export const startDwa = (): DwaState => ({ losses: [] });

export const dwa = (state: DwaState, tasks: number, temperature: number): TaskWeighting => ({
  weights: () => dwaWeights(state.losses, tasks, temperature),
  afterEpoch(losses) {
    state.losses = [...state.losses, losses.map((loss) => (Number.isNaN(loss) ? null : loss))].slice(-2);
  },
});

/**
 * Equation 7: T softmax(r / temperature) with r_t the last epoch's loss divided by that of the previous epoch; 1 each in the
 * first two epochs. For a task without labels in one of them, r = 1.
 */
export function dwaWeights(epochs: readonly (number | null)[][], tasks: number, temperature: number): number[] {
  const [before, last] = epochs.length < 2 ? [[], []] : epochs;
  const powers = Array.from({ length: tasks }, (_, t) => change(before[t], last[t]) / temperature);
  const largest = Math.max(...powers);
  const shares = powers.map((power) => Math.exp(power - largest));
  const sum = shares.reduce((total, share) => total + share, 0);
  return shares.map((share) => (tasks * share) / sum);
}

const change = (before: number | null | undefined, last: number | null | undefined): number =>
  before && typeof last === 'number' ? last / before : 1;
