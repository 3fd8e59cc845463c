/** Large safetensors files, of which holes stand for most numbers. */
import { closeSync, openSync, truncateSync, writeFileSync, writeSync } from 'node:fs';
import { expect } from 'vitest';
import { partsOf, type TensorView } from '../../src/store/tensors.ts';

/** A file with one table of zeros [rows, 16] but for some numbers, and a vector of three. */
export function sparse(path: string, rows: number, numbers: Record<number, number>): void {
  const bytes = rows * 64;
  const header = Buffer.from(
    JSON.stringify({
      table: { dtype: 'F32', shape: [rows, 16], data_offsets: [0, bytes] },
      small: { dtype: 'F32', shape: [3], data_offsets: [bytes, bytes + 12] },
    }),
  );
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  writeFileSync(path, Buffer.concat([length, header]));
  const from = 8 + header.length;
  truncateSync(path, from + bytes + 12);
  const file = openSync(path, 'r+');
  const put = (at: number, ...values: number[]) =>
    writeSync(file, new Uint8Array(Float32Array.from(values).buffer), 0, 4 * values.length, from + at * 4);
  for (const [at, value] of Object.entries(numbers)) put(Number(at), value);
  put(rows * 16, 1, 2, 3);
  closeSync(file);
}

/** Where a tensor has numbers other than 0. */
export function found(tensor: TensorView): Record<number, number> {
  const places: Record<number, number> = {};
  let at = 0;
  for (const part of partsOf(tensor)) {
    const bits = new Uint32Array(part.buffer, part.byteOffset, part.length);
    for (let i = 0; i < bits.length; i++) if (bits[i] !== 0) places[at + i] = Number(part[i]);
    at += part.length;
  }
  expect(at).toBe(tensor.shape[0] * tensor.shape[1]);
  return places;
}
