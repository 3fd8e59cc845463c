/** Hands out aligned regions of one buffer, one after another; nothing is ever given back. */
import { error } from '../base/errors/index.ts';
import type { Arena, Region } from './contract.ts';

/** What one WebAssembly memory can hold: 4 GiB. */
const MEMORY_LIMIT = 2 ** 32;
const ALIGNMENT = 64;

/** Bytes that a region of `length` floats or ints takes: what to sum up to size an arena. */
export const regionBytes = (length: number): number => Math.ceil((length * 4) / ALIGNMENT) * ALIGNMENT;

/** An arena over `buffer` from byte `start` (a multiple of 64) on. The buffer must be zeroed. */
export function arenaOver(buffer: ArrayBuffer, start: number): Arena {
  let next = start;
  const take = (length: number): number => {
    const byteOffset = next;
    if (byteOffset + regionBytes(length) > buffer.byteLength) {
      throw new RangeError(
        `the arena of ${buffer.byteLength - start} bytes has ${buffer.byteLength - next} left; ${regionBytes(length)} were asked for`,
      );
    }
    next += regionBytes(length);
    return byteOffset;
  };
  return {
    bytes: buffer.byteLength - start,
    floats(length): Region<Float32Array> {
      const byteOffset = take(length);
      return { byteOffset, view: new Float32Array(buffer, byteOffset, length) };
    },
    ints(length): Region<Int32Array> {
      const byteOffset = take(length);
      return { byteOffset, view: new Int32Array(buffer, byteOffset, length) };
    },
  };
}

/** Calls `allocate` and turns a refusal into the catalogue's errors. */
export function allocateMemory<M>(bytes: number, allocate: () => M): M {
  if (bytes > MEMORY_LIMIT) throw error('MEMORY_TOO_LARGE', { bytes, limit: MEMORY_LIMIT });
  try {
    return allocate();
  } catch (cause) {
    throw error('MEMORY_UNAVAILABLE', { bytes }, cause);
  }
}
