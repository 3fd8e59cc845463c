/**
 * The embedding and optimiser kernels, on buffers of one linear memory. Two implementations fulfil this contract: WASM
 * SIMD (the default) and plain TypeScript (reference and fallback). A test compares them bit for bit.
 */

/** A region of an arena. Kernels take `byteOffset`; `view` is valid as long as the arena. */
export interface Region<A extends Float32Array | Int32Array = Float32Array> {
  byteOffset: number;
  view: A;
}

/** One non-shared memory of a fixed size. ONNX Runtime reads and writes views of it without a copy. */
export interface Arena {
  /** 64-byte aligned and zeroed. */
  floats(length: number): Region<Float32Array>;
  ints(length: number): Region<Int32Array>;
  bytes: number;
}

export interface AdamStep {
  learningRate: number;
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Added to the gradient before the moments: g += l2 * p (coupled, as in the AutoIFS authors' Adam). */
  l2: number;
  /** Applied to the parameter: p -= learningRate * weightDecay * p (decoupled, AdamW). */
  weightDecay: number;
  /** 1-based step count for bias correction. */
  step: number;
  /** A factor of the gradient, applied first (clipping). */
  gradientScale: number;
}

export interface FieldLayout {
  /** First slot and number of slots of the field in a row of ids. */
  slot: number;
  slots: number;
  pooling: 'mean' | 'sum';
  /** Table id of this field's padding, which is no value; -1 if every id is a value. */
  padding: number;
}

export interface Kernels {
  readonly name: 'wasm' | 'plain';
  createArena(bytes: number): Arena;

  /**
   * out[b, f, :] = pooled table rows of field f. ids [B, slots] -> out [B, F*D]. A field without values gives zeros.
   * Throws for an id outside the table.
   */
  gather(a: {
    ids: Region<Int32Array>;
    rows: number;
    slots: number;
    fields: FieldLayout[];
    table: Region;
    dimension: number;
    out: Region;
  }): void;

  /**
   * Sums the gradients of equal table rows. gradient [B, F*D] -> unique ids (in order of first use) and their summed
   * gradients [U, D]; returns U. `stamps` [table rows] and `unique` [B*slots] are workspaces that the caller keeps
   * between calls: stamps must be zero before the first call and are zero again afterwards. Rows are summed in the
   * order of the batch.
   * `known`: the number of rows of `unique` that an earlier call left, with their sums. This call adds to them and
   * appends new ones, so that several gathers can read one table. Default 0.
   */
  scatterUnique(a: {
    ids: Region<Int32Array>;
    rows: number;
    slots: number;
    fields: FieldLayout[];
    gradient: Region;
    dimension: number;
    stamps: Region<Int32Array>;
    unique: Region<Int32Array>;
    summed: Region;
    known?: number;
  }): number;

  /** Adam on the `count` rows `unique` of a table; moments [table rows, D]. Other rows do not change at all. */
  adamRows(
    a: {
      table: Region;
      first: Region;
      second: Region;
      dimension: number;
      unique: Region<Int32Array>;
      count: number;
      summed: Region;
    },
    step: AdamStep,
  ): void;

  /**
   * Adam on every row of a table; rows that are not in `unique` have gradient 0. `stamps` [table rows] must be zero and
   * is zero again afterwards.
   */
  adamTable(
    a: {
      table: Region;
      first: Region;
      second: Region;
      dimension: number;
      stamps: Region<Int32Array>;
      unique: Region<Int32Array>;
      count: number;
      summed: Region;
    },
    step: AdamStep,
  ): void;

  /** Writes [U, D] into a dense, zeroed gradient of the table; `clearRows` zeroes those rows again. */
  spreadRows(a: { unique: Region<Int32Array>; count: number; summed: Region; dimension: number; dense: Region }): void;
  clearRows(a: { unique: Region<Int32Array>; count: number; dimension: number; dense: Region }): void;

  /** Adam on elements [from, to) of flat vectors, in place. */
  adam(
    a: { parameter: Region; gradient: Region; first: Region; second: Region; from: number; to: number },
    step: AdamStep,
  ): void;
  /** p -= learningRate * (scale * g + l2 * p), with momentum if `momentum` > 0: v = momentum*v + g; p -= lr*v. */
  sgd(
    a: { parameter: Region; gradient: Region; velocity: Region | undefined; from: number; to: number },
    step: { learningRate: number; momentum: number; l2: number; gradientScale: number },
  ): void;
  sgdRows(
    a: { table: Region; dimension: number; unique: Region<Int32Array>; count: number; summed: Region },
    step: { learningRate: number; l2: number; gradientScale: number },
  ): void;

  /** Sum of squares of elements [from, to) (float64 accumulation). */
  sumOfSquares(vector: Region, from: number, to: number): number;
  /** Largest absolute value of elements [from, to); NaN if one is NaN. */
  largest(vector: Region, from: number, to: number): number;
  /** Fills [0, length) with 0 or 1/keep: a dropout mask that depends only on `seed` and `counter`. */
  dropoutMask(out: Region, length: number, keep: number, seed: number, counter: number): void;
}

/**
 * The error for an id outside the table: a fault of the caller who encoded the rows. Unchecked, it would access other
 * memory.
 */
export const noSuchRow = (id: number, position: number, tableRows: number): RangeError =>
  new RangeError(`id ${id} at position ${position} of the ids is not a row of a table of ${tableRows} rows`);
