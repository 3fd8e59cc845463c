/** Allocates aligned regions of one buffer, one after another. Regions are never freed. */
import { error } from '../base/errors/index.ts';
import type { Arena, Region } from './contract.ts';

/** The max size of a WebAssembly memory: 4 GiB. */
export const MEMORY_LIMIT = 2 ** 32;
const ALIGNMENT = 64;

/** Bytes that a region of `length` floats or ints takes. The size of an arena is the sum over its regions. */
export const regionBytes = (length: number): number => Math.ceil((length * 4) / ALIGNMENT) * ALIGNMENT;

/** An arena over `buffer`, from byte `start` (a multiple of 64). The buffer must be zeroed. */
export function arenaOver(buffer: ArrayBuffer, start: number): Arena {
  let next = start;
  const take = (length: number): number => {
    const byteOffset = next;
    if (byteOffset + regionBytes(length) > buffer.byteLength) {
      throw new RangeError(
        `the arena of ${buffer.byteLength - start} bytes has ${buffer.byteLength - next} left; ${regionBytes(length)} were requested`,
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

/** Calls `allocate`. Throws MEMORY_TOO_LARGE above 4 GiB, MEMORY_UNAVAILABLE if the system refuses. */
export function allocateMemory<M>(bytes: number, allocate: () => M): M {
  if (bytes > MEMORY_LIMIT) throw error('MEMORY_TOO_LARGE', { bytes, limit: MEMORY_LIMIT });
  try {
    return allocate();
  } catch (cause) {
    throw error('MEMORY_UNAVAILABLE', { bytes }, cause);
  }
}
