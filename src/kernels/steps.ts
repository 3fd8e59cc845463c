/**
 * The constants of one optimiser step, computed in float64 and rounded once, so that both implementations start from
 * the same bits.
 */
import { random } from '../base/random.ts';
import type { AdamStep } from './contract.ts';

export type AdamConstants = ReturnType<typeof adamConstants>;

/**
 * PyTorch's Adam and AdamW: `epsilon` is added outside the square root; the bias corrections are folded into two
 * factors.
 */
export const adamConstants = (step: AdamStep) => ({
  scale: Math.fround(step.gradientScale),
  l2: Math.fround(step.l2),
  decay: Math.fround(1 - step.learningRate * step.weightDecay),
  beta1: Math.fround(step.beta1),
  gain1: Math.fround(1 - step.beta1),
  beta2: Math.fround(step.beta2),
  gain2: Math.fround(1 - step.beta2),
  rootScale: Math.fround(1 / Math.sqrt(1 - step.beta2 ** step.step)),
  epsilon: Math.fround(step.epsilon),
  stepSize: Math.fround(step.learningRate / (1 - step.beta1 ** step.step)),
});

/** Two 32-bit keys of a dropout mask, and the threshold: an element is kept if its hash is below it. */
export function maskConstants(keep: number, seed: number, counter: number) {
  const keys = random('dropout', seed, counter);
  const threshold = Math.min(Math.round(keep * 2 ** 32), 2 ** 32 - 1);
  return { key0: keys.next(), key1: keys.next(), threshold, value: Math.fround(1 / keep) };
}
