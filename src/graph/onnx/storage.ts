/** Tensors as values of the lowered graph, in plain or in transposed storage. Conversions are added at first use. */
import type { NodeBuilder, Storage, ValueName } from '../ops/lowering.ts';
import { isBatch } from '../shape.ts';
import type { Tensor } from '../tensor.ts';

export class TensorStorage implements Storage {
  readonly #build: NodeBuilder;
  readonly #flipped: ReadonlySet<number>;
  readonly #lower: (tensor: Tensor) => ValueName;
  readonly #values = new Map<number, ValueName>();

  /** `flipped`: ids of the tensors to store transposed (layout.ts); `lower`: adds the nodes of a tensor. */
  constructor(build: NodeBuilder, flipped: ReadonlySet<number>, lower: (tensor: Tensor) => ValueName) {
    this.#build = build;
    this.#flipped = flipped;
    this.#lower = lower;
  }

  isFlipped(tensor: Tensor): boolean {
    return this.#flipped.has(tensor.id);
  }

  asStored(tensor: Tensor): ValueName {
    const known = this.#values.get(tensor.id);
    if (known !== undefined) return known;
    const value = this.#lower(tensor);
    this.#values.set(tensor.id, value);
    return value;
  }

  plain(tensor: Tensor): ValueName {
    return this.isFlipped(tensor) ? this.#converted(tensor) : this.asStored(tensor);
  }

  flipped(tensor: Tensor): ValueName {
    return this.isFlipped(tensor) ? this.asStored(tensor) : this.#converted(tensor);
  }

  aligned(operand: Tensor, node: Tensor): ValueName {
    if (!this.isFlipped(node)) return this.plain(operand);
    const [rows, columns] = operand.shape.length === 2 ? operand.shape : [1, operand.shape[0] ?? 1];
    if (operand.shape.length === 0 || (rows === 1 && columns === 1)) return this.plain(operand);
    if (isBatch(rows)) return this.flipped(operand);
    return this.#build.reshaped(this.plain(operand), [columns, 1]); // a row of n numbers becomes a column
  }

  alongAxes(operand: Tensor, axes: readonly number[], node: Tensor): { value: ValueName; axes: number[] } {
    const reduces = node.op === 'reduceSum' || node.op === 'reduceMax';
    if (!this.isFlipped(reduces ? operand : node)) return { value: this.plain(operand), axes: [...axes] };
    return { value: this.flipped(operand), axes: axes.map((axis) => 1 - axis) };
  }

  reduced(value: ValueName, node: Tensor<'reduceSum' | 'reduceMax'>): ValueName {
    const [operand] = node.inputs;
    return node.attributes.keep && this.isFlipped(operand) && !this.isFlipped(node)
      ? this.#build.reshaped(value, node.shape)
      : value;
  }

  matrix(tensor: Tensor, transposed: boolean): ValueName {
    if (!transposed) return this.plain(tensor);
    const rank = tensor.shape.length;
    const perm = Array.from({ length: rank }, (_, i) => (i === rank - 2 ? rank - 1 : i === rank - 1 ? rank - 2 : i));
    return this.#build.once(`transposed ${tensor.id}`, () =>
      this.#build.add('Transpose', [this.plain(tensor)], { perm }),
    );
  }

  /** A [B, n] tensor in the storage that it does not have. */
  #converted(tensor: Tensor): ValueName {
    return this.#build.once(`converted ${tensor.id}`, () => {
      const value = this.asStored(tensor);
      if (tensor.shape[1] !== 1) return this.#build.add('Transpose', [value], { perm: [1, 0] });
      const shape = this.#build.int64s(this.isFlipped(tensor) ? [-1, 1] : [1, -1]);
      return this.#build.add('Reshape', [value, shape]);
    });
  }
}
