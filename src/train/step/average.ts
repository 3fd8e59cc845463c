/**
 * An exponential moving average of parameters, buffers and the embedding table over the steps of a phase: what is validated and kept in
 * place of the numbers that the optimiser moves (Polyak and Juditsky 1992; the share of the first steps as in TensorFlow's
 * ExponentialMovingAverage). A row of an id that decays strongly has forgotten most of its rows of data; its average has not.
 *
 * The table takes part in every n-th step, with n such that a step pays for `ROWS` of its rows however large it is.
 */
import type { Weights } from '../../inference/arena/weights.ts';
import type { StoredTensor, TensorView } from '../../store/safetensors.ts';

const TABLE = 'average.table';
/** Table rows per step. */
const ROWS = 8192;

export class WeightAverage {
  readonly #live: [name: string, numbers: Float32Array][];
  readonly #averages: Float32Array[];
  readonly #decay: number;
  /** The table is averaged at every so many steps. */
  readonly #every: number;
  readonly #settle: () => void;

  /** `decay`: share of the average that a step keeps. `settle`: called before the table is read as a whole. */
  constructor(
    { dense, bufferValues, table, dimension }: Pick<Weights, 'dense' | 'bufferValues' | 'table' | 'dimension'>,
    decay: number,
    settle: () => void = () => {},
  ) {
    this.#live = [
      ['average.dense', dense.view],
      ['average.buffers', bufferValues.view],
      [TABLE, table.view],
    ];
    this.#averages = this.#live.map(([, numbers]) => new Float32Array(numbers.length));
    this.#decay = decay;
    this.#every = Math.ceil(table.view.length / dimension / ROWS);
    this.#settle = settle;
  }

  /** Starts again from the weights as they are. */
  reset(): void {
    this.#settle();
    this.#live.forEach(([, numbers], i) => {
      this.#averages[i].set(numbers);
    });
  }

  /** Takes in the weights after a step (from 1). */
  add(step: number): void {
    const kept = Math.min(this.#decay, (1 + step) / (10 + step));
    const withTable = step % this.#every === 0;
    if (withTable) this.#settle();
    this.#live.forEach(([name, numbers], k) => {
      if (name === TABLE && !withTable) return;
      const share = 1 - kept ** (name === TABLE ? this.#every : 1);
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
