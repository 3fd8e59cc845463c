/** The machine's own speed: large matrix products through the same runtime as training. */
import { compile, Graph, matmul, multiplyAdds, type Product, reduceSum } from '../../graph/index.ts';
import type { Session, SessionOptions, Value } from '../../runtime/contract.ts';
import { createSession } from '../../runtime/session.ts';
import { median } from '../clock.ts';

/** A product [rows, inner] x [inner, columns]. */
export interface ProductSizes {
  rows: number;
  inner: number;
  columns: number;
}

export interface Peak {
  /** Runs one product of each size, to measure the machine at this moment. */
  measure(): Promise<void>;
  /** The product with the higher median, and its GFLOP/s in each measurement. */
  faster(): { product: ProductSizes; gflops: number[] };
  close(): Promise<void>;
}

const SQUARE: ProductSizes = { rows: 2048, inner: 2048, columns: 2048 };

/** Prepares products of the model's largest size and of 2048 x 2048 x 2048. */
export async function openPeak(model: ProductSizes, runtime: SessionOptions): Promise<Peak> {
  const products = await Promise.all([model, SQUARE].map((sizes) => openProduct(sizes, runtime)));
  return {
    async measure() {
      for (const { run, flop, gflops } of products) {
        const started = performance.now();
        await run();
        gflops.push(flop / ((performance.now() - started) * 1e6));
      }
    },
    // The same product for all steps: the faster of two at each moment would be partly luck.
    faster() {
      const [{ sizes, gflops }] = products.toSorted((a, b) => median(b.gflops) - median(a.gflops));
      return { product: sizes, gflops };
    },
    async close() {
      for (const { session } of products) await session.release();
    },
  };
}

async function openProduct(sizes: ProductSizes, runtime: SessionOptions) {
  const { rows, inner, columns } = sizes;
  const graph = new Graph();
  const product = matmul(graph.input('x', ['B', inner]), graph.input('w', [inner, columns])); // [B,columns]
  // Returns the sum: the runtime copies outputs, and copying is no part of a product.
  const session: Session = await createSession(
    compile({ sum: reduceSum(product) }, { batchHint: rows }).bytes,
    runtime,
  );
  const filled = (shape: number[]): Value => ({
    type: 'float32',
    shape,
    data: new Float32Array(shape[0] * shape[1]).fill(0.01),
  });
  const feeds = { x: filled([rows, inner]), w: filled([inner, columns]) };
  return { sizes, session, gflops: [] as number[], flop: 2 * rows * inner * columns, run: () => session.run(feeds) };
}

/** The largest product of a graph at a batch size. */
export function largestProduct(products: readonly Product[], batchSize: number): ProductSizes {
  const [largest] = products.toSorted((a, b) => multiplyAdds(b, batchSize) - multiplyAdds(a, batchSize));
  const size = (dim: Product['rows']): number => multiplyAdds({ stack: 1, rows: dim, inner: 1, columns: 1 }, batchSize);
  return { rows: size(largest.rows), inner: size(largest.inner), columns: size(largest.columns) };
}
