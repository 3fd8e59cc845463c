/** SHA-256 of every block of a row file's records. */
import { createHash, type Hash } from 'node:crypto';
import { error } from '../../base/errors/index.ts';

/** Rows of a block: what readers read at a time, and what has a checksum. */
export const BLOCK_ROWS = 512;

export const DIGEST_BYTES = 32;

/** A row file and the checksums of its blocks, themselves verified. */
export interface RowFile {
  path: string;
  /** [blocks, 32] */
  digests: Uint8Array;
}

/** The SHA-256 of each block of a stream of bytes. */
export class BlockChecksums {
  readonly #blockBytes: number;
  readonly #digests: Uint8Array[] = [];
  #hash: Hash = createHash('sha256');
  #filled = 0;

  constructor(blockBytes: number) {
    this.#blockBytes = blockBytes;
  }

  update(bytes: Uint8Array): void {
    for (let at = 0; at < bytes.length; ) {
      const part = bytes.subarray(at, at + this.#blockBytes - this.#filled);
      this.#hash.update(part);
      this.#filled += part.length;
      at += part.length;
      if (this.#filled === this.#blockBytes) this.#close();
    }
  }

  /** Of all blocks, the last one as long as it is. */
  digests(): Uint8Array {
    if (this.#filled > 0) this.#close();
    return Buffer.concat(this.#digests);
  }

  #close(): void {
    this.#digests.push(this.#hash.digest());
    this.#hash = createHash('sha256');
    this.#filled = 0;
  }
}

/** Throws CHECKSUM_MISMATCH unless a block is what was written. */
export function verifyBlock(bytes: Uint8Array, { path, digests }: RowFile, block: number): void {
  const expected = digests.subarray(block * DIGEST_BYTES, (block + 1) * DIGEST_BYTES);
  const found = createHash('sha256').update(bytes).digest();
  if (found.equals(expected)) return;
  throw error('CHECKSUM_MISMATCH', {
    path: `${path} (rows ${block * BLOCK_ROWS} and on)`,
    expected: Buffer.from(expected).toString('hex'),
    found: found.toString('hex'),
    advice: 'Remove it: it is made again from the Parquet file',
  });
}
