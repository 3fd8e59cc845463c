import { EXIT, entry } from './entry.ts';

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

export const KERNELS_ERRORS = {
  MEMORY_TOO_LARGE: entry(
    EXIT.usage,
    507,
    (d: { bytes: number; limit: number }) =>
      `parameters, optimiser state and batch buffers need ${gib(d.bytes)}; one memory holds at most ${gib(d.limit)}`,
    'Lower model.embeddingDim or the vocabularies (vocabulary.minCount, hash), or train.batchSize',
  ),
  MEMORY_UNAVAILABLE: entry(
    EXIT.environment,
    507,
    (d: { bytes: number }) =>
      `the system did not give ${gib(d.bytes)} of memory for parameters, optimiser state and batch buffers`,
    'Free some memory or lower model.embeddingDim, the vocabularies or train.batchSize',
  ),
  KERNELS_UNSUPPORTED: entry(
    EXIT.environment,
    500,
    (_: Record<string, never>) => 'this machine has no WebAssembly SIMD, which the kernels "wasm" need',
    'Choose the kernels "plain"',
  ),
} as const;
