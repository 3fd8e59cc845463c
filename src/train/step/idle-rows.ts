/**
 * Idle rows for batch sizes that suit the caches badly. A graph stores the batch axis of long batches last (graph/onnx/layout.ts), so
 * neighbours in a column are a whole batch apart. At a multiple of 16 KiB they share cache sets and slow large matrix products down.
 * 16 more rows in 4,096 made a training step of AutoIFS at its published sizes 4 to 6 % faster.
 */
import type { Batch } from '../../data/prepared/prepared.ts';
import { type CompiledGraph, multiplyAdds } from '../../graph/index.ts';

/** 16 KiB, in numbers. At half of it there was no gain. */
const BAD_STRIDE = 4096;
/** Min multiply-adds per row of a product that gains: weights of 1 MiB, too large for a core's private caches together with the rows. */
const LARGE_PRODUCT = 512 * 512;
/** Numbers per cache line. */
export const IDLE_ROWS = 16;

/** Rows to add to a batch of `size`: 0 if a graph reads the number of rows, because it computes statistics over all rows. */
export function idleRows({ products, inputs }: Pick<CompiledGraph, 'products' | 'inputs'>, size: number): number {
  if (size === 0 || size % BAD_STRIDE !== 0) return 0;
  if (inputs.some(({ name }) => name === 'rows')) return 0;
  return products.some((product) => multiplyAdds(product, 1) >= LARGE_PRODUCT) ? IDLE_ROWS : 0;
}

/** Appends copies of the first rows without labels and weight, so neither loss nor gradients change. */
export function withIdleRows(batch: Batch, count: number): Batch {
  if (count === 0) return batch;
  const { size } = batch;
  const longer = <A extends Int32Array | Float32Array>(numbers: A): A => {
    const width = numbers.length / size;
    const grown = new (numbers.constructor as new (length: number) => A)((size + count) * width);
    grown.set(numbers);
    grown.copyWithin(size * width, 0, count * width);
    return grown;
  };
  return {
    size: size + count,
    ids: longer(batch.ids),
    scenario: longer(batch.scenario),
    labels: longer(batch.labels).fill(Number.NaN, batch.labels.length),
    weight: longer(batch.weight).fill(0, size),
    group: longer(batch.group),
    row: longer(batch.row),
    ...(batch.sequences && { sequences: longer(batch.sequences) }),
  };
}
