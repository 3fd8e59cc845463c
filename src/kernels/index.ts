/** The embedding and optimiser kernels: contract.ts says what they do, plain.ts how. */
import { error } from '../base/errors/index.ts';
import type { Kernels } from './contract.ts';
import { plainKernels } from './plain.ts';
import { hasWasmSimd, loadWasmKernels } from './wasm.ts';

export { MEMORY_LIMIT, regionBytes } from './arena.ts';
export { type AdamStep, type Arena, type FieldLayout, type Kernels, noSuchRow, type Region } from './contract.ts';

/**
 * Default: WASM SIMD if the machine has it, else plain TypeScript. Throws KERNELS_UNSUPPORTED if `wasm` is requested
 * but not supported.
 */
export async function loadKernels(name?: Kernels['name']): Promise<Kernels> {
  if (name === 'plain' || (name === undefined && !hasWasmSimd())) return plainKernels;
  if (!hasWasmSimd()) throw error('KERNELS_UNSUPPORTED', {});
  return loadWasmKernels();
}
