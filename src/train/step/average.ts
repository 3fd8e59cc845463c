/**
 * An exponential moving average of parameters, buffers and the embedding table over the steps of a phase: what is validated and kept in
 * place of the numbers that the optimiser moves (Polyak and Juditsky 1992; the share of the first steps as in TensorFlow's
 * ExponentialMovingAverage). A row of an id that decays strongly has forgotten most of its rows of data; its average has not.
 *
 * The table takes part in every n-th step, with n such that a step pays for `ROWS` of its rows however large it is.
 */
import type { Weights } from '../../inference/arena/weights.ts';
import type { TensorParts } from '../../store/tensors.ts';
import type { TableStore } from '../../tables/contract.ts';

const TABLE = 'average.table';
/** Table rows per step. */
const ROWS = 8192;

export class WeightAverage {
  #live: [name: string, numbers: Float32Array[]][];
  #averages: Float32Array[][];
  readonly #decay: number;
  /** The table is averaged at every so many steps. */
  readonly #every: number;
  readonly #settle: () => void;
  readonly #tables: TableStore;

  /** `decay`: share of the average that a step keeps. `settle`: called before the table is read as a whole. */
  constructor(
    { dense, bufferValues, tables }: Pick<Weights, 'dense' | 'bufferValues' | 'tables'>,
    decay: number,
    settle: () => void = () => {},
  ) {
    this.#live = [
      ['average.dense', [dense.view]],
      ['average.buffers', [bufferValues.view]],
      [TABLE, tables.parts('embedding').map(({ view }) => view)],
    ];
    this.#averages = this.#live.map(([, parts]) => parts.map(({ length }) => new Float32Array(length)));
    this.#decay = decay;
    this.#every = Math.ceil(tables.rows / ROWS);
    this.#settle = settle;
    this.#tables = tables;
  }

  /** Starts again from the weights as they are. */
  reset(): void {
    this.#settle();
    this.#live.forEach(([, parts], i) => {
      parts.forEach((numbers, p) => {
        this.#averages[i][p].set(numbers);
      });
    });
  }

  /** Takes in the weights after a step (from 1). */
  add(step: number): void {
    const kept = Math.min(this.#decay, (1 + step) / (10 + step));
    const withTable = step % this.#every === 0;
    if (withTable) this.#settle();
    this.#live.forEach(([name, parts], k) => {
      if (name === TABLE && !withTable) return;
      const share = 1 - kept ** (name === TABLE ? this.#every : 1);
      parts.forEach((numbers, p) => {
        const average = this.#averages[k][p];
        for (let i = 0; i < numbers.length; i++) average[i] += share * (numbers[i] - average[i]);
      });
    });
  }

  /** Exchanges weights and averages, in place. A second call exchanges them back. */
  swap(): void {
    this.#live.forEach(([, parts], k) => {
      parts.forEach((numbers, p) => {
        exchange(numbers, this.#averages[k][p]);
      });
    });
  }

  /** Gives back the memory of the averages: from now on there are none. */
  release(): void {
    this.#live = [];
    this.#averages = [];
  }

  tensors(): [string, TensorParts][] {
    const { rows, dimension, shards } = this.#tables;
    return this.#live.map(([name], i) => {
      const parts = this.#averages[i];
      if (name === TABLE) return [name, { parts, shape: [rows * dimension], ownedWidth: shards && dimension }];
      return [name, { parts, shape: [parts.reduce((sum, { length }) => sum + length, 0)] }];
    });
  }
}

/** Exchanges the numbers of two arrays, some at a time: a table has no room for a copy. */
function exchange(a: Float32Array, b: Float32Array): void {
  const at = 1 << 20;
  for (let from = 0; from < a.length; from += at) {
    const kept = a.slice(from, from + at);
    a.set(b.subarray(from, from + at), from);
    b.set(kept, from);
  }
}
