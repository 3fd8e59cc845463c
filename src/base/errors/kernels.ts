import { EXIT, entry } from './entry.ts';

const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(2)} GiB`;

export const KERNELS_ERRORS = {
  MEMORY_TOO_LARGE: entry(
    EXIT.usage,
    507,
    (d: { bytes: number; limit: number }) =>
      `parameters, optimiser state and batch buffers need ${gib(d.bytes)}; one memory holds at most ${gib(d.limit)}`,
    'Lower train.batchSize, train.evaluationBatchSize or the sizes of the network (tables are not among them: they may have memories of their own)',
  ),
  MEMORY_UNAVAILABLE: entry(
    EXIT.environment,
    507,
    (d: { bytes: number }) =>
      `the system did not give ${gib(d.bytes)} of memory for parameters, optimiser state and batch buffers`,
    'Free some memory or lower model.embeddingDim, the vocabularies or train.batchSize',
  ),
  TABLES_TOO_LARGE: entry(
    EXIT.environment,
    507,
    (d: { rows: number; dimension: number; bytes: number; besides: number; memory: number }) =>
      `an embedding table of ${d.rows} rows x ${d.dimension} with optimiser state needs ${gib(d.bytes)}, and all else ${gib(d.besides)}: ` +
      `${gib(d.bytes + d.besides - d.memory)} more than the ${gib(d.memory)} of memory that this process may use`,
    'Take a machine with more memory, or several, whose ranks share the rows (docs/scale.md); or lower model.embeddingDim or the vocabularies (vocabulary.minCount, hash), or take train.optimizer sgd, which keeps no moments, or train.weightAverage 0, which keeps no second table',
  ),
  KERNELS_UNSUPPORTED: entry(
    EXIT.environment,
    500,
    (_: Record<string, never>) => 'this machine has no WebAssembly SIMD, which the kernels "wasm" need',
    'Choose the kernels "plain"',
  ),
} as const;
