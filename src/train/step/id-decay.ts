/**
 * Decay of id embeddings: every row of a field shrinks towards 0 at every step, whether the batch has its id or not,
 *
 *   row <- row (1 - learningRate * decay)
 *
 * Only the rows of a batch are read, so the other rows are settled when they are next needed: the kept shares of the steps in
 * between are multiplied by adding their logarithms.
 */
import type { PreparedField } from '../../data/encode/ids.ts';
import type { Batch } from '../../data/prepared/prepared.ts';
import type { RowLayout } from '../../inference/arena/inputs.ts';
import type { StoredTensor, TensorParts, TensorView } from '../../store/tensors.ts';
import type { TableStore } from '../../tables/contract.ts';
import { rowsOwned } from '../../tables/owners.ts';

/** A field whose rows decay. */
export interface DecayedField {
  /** Its rows in the table: [from, to). */
  from: number;
  to: number;
  /** Its slots in a row of ids: [slot, slot + slots). */
  slot: number;
  slots: number;
  /** Do the items of sequences read its rows? */
  sequences: boolean;
  decay: number;
}

/** The fields that `idDecay` names, in the order of the data. */
export function decayedFields(
  fields: readonly PreparedField[],
  { fields: layouts }: Pick<RowLayout, 'fields'>,
  idDecay: Readonly<Record<string, number>>,
  itemField?: string,
): DecayedField[] {
  return fields.flatMap(({ name, offset, size }, i) => {
    if (!Object.hasOwn(idDecay, name)) return [];
    const { slot, slots } = layouts[i];
    return [{ from: offset, to: offset + size, slot, slots, sequences: name === itemField, decay: idDecay[name] }];
  });
}

const KEPT = 'idDecay.kept';

export class IdDecay {
  readonly #tables: TableStore;
  readonly #slots: number;
  readonly #fields: readonly DecayedField[];
  /** Settle all rows at every step, as dense updates of the table do. */
  readonly #dense: boolean;
  /** Steps since all rows were last settled. */
  #steps = 0;
  /** The rows that are here: all, or those of one of several ranks. */
  readonly #share: { rank: number; size: number };
  /** By row that is here: how many of these steps it has been settled for. */
  readonly #settled: Int32Array;
  /** By field: the logarithm of the share kept after 0, 1, 2 ... of these steps. */
  #kept: number[][];

  constructor(
    tables: TableStore,
    layout: Pick<RowLayout, 'slots'>,
    fields: readonly DecayedField[],
    tableUpdates: 'lazy' | 'dense',
  ) {
    this.#tables = tables;
    this.#slots = layout.slots;
    this.#fields = fields;
    this.#dense = tableUpdates === 'dense';
    this.#share = tables.shards ?? { rank: 0, size: 1 };
    this.#settled = new Int32Array(rowsOwned(tables.rows, this.#share));
    this.#kept = fields.map(() => [0]);
  }

  get fields(): readonly DecayedField[] {
    return this.#fields;
  }

  /** Settles the rows that a batch reads: call it before they are gathered. */
  settleRows({ size, ids, sequences }: Pick<Batch, 'size' | 'ids' | 'sequences'>): void {
    if (this.#steps === 0) return;
    this.#fields.forEach(({ slot, slots, sequences: read }, f) => {
      for (let row = 0; row < size; row++)
        for (let i = row * this.#slots + slot; i < row * this.#slots + slot + slots; i++) this.#settle(ids[i], f);
      if (read && sequences !== undefined) for (const id of sequences) this.#settle(id, f);
    });
  }

  /** Settles every row: call it before the table is read as a whole. */
  settleAll(): void {
    this.#fields.forEach(({ from, to }, f) => {
      for (let row = from; row < to; row++) this.#settle(row, f);
      this.#settled.fill(0, rowsOwned(from, this.#share), rowsOwned(to, this.#share));
      this.#kept[f] = [0];
    });
    this.#steps = 0;
  }

  /** A step is done: every row owes its decay. */
  advance(learningRate: number): void {
    this.#fields.forEach(({ decay }, f) => {
      const kept = this.#kept[f];
      kept.push(kept[this.#steps] + Math.log1p(-learningRate * decay));
    });
    this.#steps++;
    if (this.#dense) this.settleAll();
  }

  #settle(row: number, f: number): void {
    const { rank, size } = this.#share;
    if (row % size !== rank) return;
    const here = (row - rank) / size;
    const done = this.#settled[here];
    if (done === this.#steps) return;
    const kept = this.#kept[f];
    this.#tables.scale(row, Math.exp(kept[this.#steps] - kept[done]));
    this.#settled[here] = this.#steps;
  }

  /** Part of a checkpoint: how many steps each row is settled for. */
  settled(): [string, TensorParts] {
    const ownedWidth = this.#share.size > 1 ? 1 : undefined;
    return ['idDecay.settled', { parts: [this.#settled], shape: [this.#tables.rows], ownedWidth }];
  }

  /** Part of a checkpoint: the shares kept, by field and step. */
  kept(): [string, TensorView] {
    const data = Float64Array.from(this.#kept.flat());
    return [KEPT, { data, shape: [this.#fields.length, this.#steps + 1] }];
  }

  /** Takes the shares kept of a checkpoint. A snapshot of settled weights has none. */
  restoreKept(tensors: ReadonlyMap<string, StoredTensor>): void {
    const kept = tensors.get(KEPT);
    if (kept === undefined) return;
    const count = kept.shape[1];
    this.#steps = count - 1;
    this.#kept = this.#fields.map((_, f) => [...(kept.data as Float64Array).subarray(f * count, (f + 1) * count)]);
  }
}
