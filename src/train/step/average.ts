/**
 * An exponential moving average of dense parameters and buffers over the steps of a phase: what is validated and kept in place of the
 * numbers that the optimiser moves (Polyak and Juditsky 1992; the share of the first steps as in TensorFlow's
 * ExponentialMovingAverage). Tables are left out: whether their average would help is not measured.
 */
import type { Weights } from '../../inference/arena/weights.ts';
import type { StoredTensor, TensorView } from '../../store/safetensors.ts';

export class WeightAverage {
  readonly #live: [name: string, numbers: Float32Array][];
  readonly #averages: Float32Array[];
  readonly #decay: number;

  /** `decay`: share of the average that a step keeps. */
  constructor({ dense, bufferValues }: Pick<Weights, 'dense' | 'bufferValues'>, decay: number) {
    this.#live = [
      ['average.dense', dense.view],
      ['average.buffers', bufferValues.view],
    ];
    this.#averages = this.#live.map(([, numbers]) => new Float32Array(numbers.length));
    this.#decay = decay;
  }

  /** Starts again from the weights as they are. */
  reset(): void {
    this.#live.forEach(([, numbers], i) => {
      this.#averages[i].set(numbers);
    });
  }

  /** Takes in the weights after a step (from 1). */
  add(step: number): void {
    const share = 1 - Math.min(this.#decay, (1 + step) / (10 + step));
    this.#live.forEach(([, numbers], k) => {
      const average = this.#averages[k];
      for (let i = 0; i < numbers.length; i++) average[i] += share * (numbers[i] - average[i]);
    });
  }

  /** Exchanges weights and averages, in place. A second call exchanges them back. */
  swap(): void {
    this.#live.forEach(([, numbers], k) => {
      const kept = numbers.slice();
      numbers.set(this.#averages[k]);
      this.#averages[k].set(kept);
    });
  }

  tensors(): [string, TensorView][] {
    return this.#live.map(([name], i) => [name, { data: this.#averages[i], shape: [this.#averages[i].length] }]);
  }

  restore(tensors: ReadonlyMap<string, StoredTensor>): void {
    this.#live.forEach(([name], i) => {
      const stored = tensors.get(name);
      if (stored !== undefined) this.#averages[i].set(stored.data as Float32Array);
    });
  }
}
