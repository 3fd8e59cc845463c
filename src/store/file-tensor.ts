/**
 * A tensor that stays in its file: tables of gigabytes are read piece by piece into where they are used. The file is kept open, so it may
 * be replaced meanwhile; it is closed when nobody has its tensors any more.
 */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { asReadError } from '../base/files.ts';

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
