/**
 * Rows that count nothing, for a batch whose size is bad for the caches. A graph stores long batches last (graph/onnx/layout.ts), so
 * the numbers of one column lie a whole batch apart: at a multiple of 16 KiB they fall onto the same places of the caches, and
 * large matrix products wait. 16 more rows in 4,096 made a training step of AutoIFS at its published sizes 4 to 6 % faster.
 */
import type { Batch } from '../../data/prepared/prepared.ts';
import { type CompiledGraph, multiplyAdds } from '../../graph/index.ts';

/** In numbers: 16 KiB. At half of it nothing was gained any more. */
const BAD_STRIDE = 4096;
/** Multiply-adds per row of the smallest product that gains: weights of 1 MiB, more than the caches next to a core hold with their rows. */
const LARGE_PRODUCT = 512 * 512;
/** A line of the caches. */
export const IDLE_ROWS = 16;

/** How many rows to add to a batch of `size`. None where a graph reads the number of rows: it takes statistics over all of them. */
export function idleRows({ products, inputs }: Pick<CompiledGraph, 'products' | 'inputs'>, size: number): number {
  if (size === 0 || size % BAD_STRIDE !== 0) return 0;
  if (inputs.some(({ name }) => name === 'rows')) return 0;
  return products.some((product) => multiplyAdds(product, 1) >= LARGE_PRODUCT) ? IDLE_ROWS : 0;
}

/** The batch with its first rows once more at its end, without labels and weight: neither loss nor gradients change. */
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
