/**
 * Tensors as they are stored: in arrays, in parts, in a file. A tensor that stays in its file may be a table of gigabytes: it is read piece by
 * piece into where it is used. The file is kept open, so it may be replaced meanwhile; it is closed when nobody has its tensors any more.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { error } from '../base/errors/index.ts';
import { asReadError } from '../base/files.ts';
import { firstNotFinite } from '../base/numbers.ts';

export type TensorArray = Float32Array | Float64Array | Int32Array | BigInt64Array;
export type Dtype = 'F64' | 'I64' | 'F32' | 'I32' | 'F16' | 'BF16';

/** A tensor to store: the class of the array gives its type. */
export interface TensorView {
  shape: readonly number[];
  data: TensorArray;
}

/** A tensor to store, whose numbers lie in several arrays of one class, one after another. */
export interface TensorParts {
  shape: readonly number[];
  parts: readonly TensorArray[];
  /** Numbers per table row, if the parts have only the rows of one of several ranks. Such a tensor is written as a stream. */
  ownedWidth?: number;
}

/** A tensor to store whose numbers come from elsewhere, piece by piece. A piece is valid until the next one. */
export interface TensorStream {
  shape: readonly number[];
  dtype: 'F32' | 'I32';
  pieces: () => AsyncIterable<TensorArray>;
}

export interface StoredTensor extends TensorView {
  /** The type in the file. F16 and BF16 are widened: their data are a Float32Array. */
  dtype: Dtype;
}

/** The numbers of a tensor, array by array. An array of a tensor in a file is valid until the next one. */
export function partsOf(tensor: TensorView | TensorParts): Iterable<TensorArray> {
  if ('parts' in tensor) return tensor.parts;
  return tensor instanceof FileTensor ? tensor.pieces() : [tensor.data];
}

/** The bytes of a tensor, in pieces of which each is valid until the next one. */
export function* bytesOfTensor(tensor: TensorView | TensorParts): Generator<Uint8Array, void> {
  for (const part of partsOf(tensor)) yield* slices(asBytes(part));
}

/** Copies the numbers of a tensor into arrays of the same total length, one after another. */
export function copyInto(arrays: readonly TensorArray[], tensor: TensorView): void {
  let [k, at] = [0, 0];
  for (const part of partsOf(tensor))
    for (let from = 0; from < part.length; ) {
      while (at === arrays[k].length) [k, at] = [k + 1, 0];
      const to = Math.min(part.length, from + arrays[k].length - at);
      arrays[k].set(part.subarray(from, to) as never, at);
      at += to - from;
      from = to;
    }
}

/** Throws MODEL_NOT_FINITE for the first tensor that holds NaN or infinity. `advice`: what to do, unless it is to train again. */
export function checkFinite(
  path: string,
  tensors: Iterable<readonly [string, TensorView | TensorParts]>,
  advice?: string,
): void {
  for (const [name, tensor] of tensors)
    for (const data of partsOf(tensor))
      if (data instanceof Float32Array && firstNotFinite(data) >= 0)
        throw error('MODEL_NOT_FINITE', { path, what: `a number of ${name}`, advice });
}

/** The arrays of a tensor in memory. */
export const arraysOf = (tensor: TensorView | TensorParts): readonly TensorArray[] =>
  'parts' in tensor ? tensor.parts : [tensor.data];

export const asBytes = ({ buffer, byteOffset, byteLength }: TensorArray): Uint8Array =>
  new Uint8Array(buffer, byteOffset, byteLength);

/** In pieces. */
export function* slices(bytes: Uint8Array): Generator<Uint8Array, void> {
  for (let at = 0; at < bytes.length; at += PIECE_BYTES) yield bytes.subarray(at, at + PIECE_BYTES);
}

/** Bytes that are read, hashed or written at a time. */
export const PIECE_BYTES = 1 << 26;

const opened = new FinalizationRegistry<number>((file) => closeSync(file));

/** A file that is read at any place. */
export class OpenFile {
  readonly path: string;
  readonly bytes: number;
  readonly #file: number;

  /** `expected`: what it should be, for messages. Throws FILE_MISSING, FILE_UNREADABLE. */
  constructor(path: string, expected: string) {
    this.path = path;
    try {
      this.#file = openSync(path, 'r');
      this.bytes = fstatSync(this.#file).size;
    } catch (cause) {
      throw asReadError(cause, path, expected);
    }
    opened.register(this, this.#file, this);
  }

  /** For a file that no tensor stays in. */
  close(): void {
    opened.unregister(this);
    closeSync(this.#file);
  }

  /** Bytes [from, to), or fewer where the file ends. Throws FILE_UNREADABLE. */
  read(from: number, to: number, into = new Uint8Array(to - from)): Uint8Array {
    let length = 0;
    try {
      for (let read = -1; read !== 0 && length < to - from; length += read)
        read = readSync(this.#file, into, length, to - from - length, from + length);
    } catch (cause) {
      throw asReadError(cause, this.path, 'a file that can be read');
    }
    return into.subarray(0, length);
  }

  /** All bytes from a place on, in pieces. A piece is valid until the next one. */
  *pieces(from: number, to: number): Generator<Uint8Array, void> {
    const piece = new Uint8Array(Math.min(PIECE_BYTES, to - from));
    for (let at = from; at < to; at += piece.length) yield this.read(at, Math.min(to, at + piece.length), piece);
  }
}

/** A tensor of 32-bit floats in a file. */
export class FileTensor {
  readonly dtype = 'F32' as const;
  readonly shape: readonly number[];
  readonly #file: OpenFile;
  readonly #from: number;
  readonly #length: number;
  /** Ranges of numbers that are read as 0. */
  readonly #cleared: [from: number, to: number][] = [];
  #data: Float32Array | undefined;

  /** `from`: its first byte. */
  constructor(file: OpenFile, from: number, shape: readonly number[]) {
    this.#file = file;
    this.#from = from;
    this.shape = shape;
    this.#length = shape.reduce((product, size) => product * size, 1);
  }

  /** All numbers in memory. */
  get data(): Float32Array {
    if (this.#data === undefined) {
      this.#data = new Float32Array(this.#length);
      let at = 0;
      for (const piece of this.pieces()) {
        this.#data.set(piece, at);
        at += piece.length;
      }
    }
    return this.#data;
  }

  /** All numbers, in pieces. A piece is valid until the next one. */
  *pieces(): Generator<Float32Array, void> {
    let at = 0;
    for (const bytes of this.#file.pieces(this.#from, this.#from + this.#length * 4)) {
      const piece = new Float32Array(bytes.buffer, bytes.byteOffset, bytes.length / 4);
      for (const [from, to] of this.#cleared)
        if (from < at + piece.length && to > at) piece.fill(0, Math.max(0, from - at), to - at);
      yield piece;
      at += piece.length;
    }
  }

  /** From now on the numbers [from, to) are 0. The file does not change. */
  clear(from: number, to: number): void {
    this.#cleared.push([from, to]);
    this.#data?.fill(0, from, to);
  }
}
