/** The embedding and optimiser kernels: see contract.ts for what they do, plain.ts for how. */
import { error } from '../base/errors/index.ts';
import type { Kernels } from './contract.ts';
import { plainKernels } from './plain.ts';
import { hasWasmSimd, loadWasmKernels } from './wasm.ts';

export { regionBytes } from './arena.ts';
export type { AdamStep, Arena, FieldLayout, Kernels, Region } from './contract.ts';

/** Default: WASM SIMD, or plain TypeScript where that is missing. Throws KERNELS_UNSUPPORTED when `wasm` is asked for in vain. */
export async function loadKernels(name?: Kernels['name']): Promise<Kernels> {
  if (name === 'plain' || (name === undefined && !hasWasmSimd())) return plainKernels;
  if (!hasWasmSimd()) throw error('KERNELS_UNSUPPORTED', {});
  return loadWasmKernels();
}
