/** A model's logits of the rows that `readFlowRows` draws. */
import type { Batch, PreparedData } from '../../data/prepared/prepared.ts';
import { openModel } from '../../inference/model/finished.ts';
import { describeData } from '../../inference/model/run-data.ts';
import type { SessionOptions } from '../../runtime/contract.ts';

interface Drawn extends Pick<SessionOptions, 'backend'> {
  /** Number of validation rows, and seed of the draw. */
  rows: number;
  seed: number;
}

/** [N, V, T] of validation rows, of as many variants of each row as `variants` makes of a batch. Default: the row as it is. */
export async function sampledLogits(
  run: string,
  data: PreparedData,
  { rows: n, seed, backend }: Drawn,
  variants: (batch: Batch) => Batch[] = (batch) => [batch],
): Promise<Float32Array> {
  const { splits, tasks } = data.manifest;
  const T = tasks.length;
  const model = await openModel(run, { backend, data: describeData(data.manifest) });
  const reader = await data.open('validation');
  const found: Float32Array[] = [];
  try {
    let filled = 0;
    const order = n < splits.validation.rows ? { shuffle: { seed, epoch: 0 } } : {};
    for await (const batch of reader.batches({ batchSize: Math.min(4096, model.batchSize), ...order })) {
      const size = Math.min(batch.size, n - filled);
      const asked = variants(batch);
      const V = asked.length;
      const out = new Float32Array(size * V * T);
      for (const [v, rows] of asked.entries()) {
        const logits = await model.score(rows); // [B,T]
        for (let row = 0; row < size; row++)
          for (let t = 0; t < T; t++) out[(row * V + v) * T + t] = logits[row * T + t];
      }
      found.push(out);
      filled += size;
      if (filled === n) break;
    }
  } finally {
    await reader.close();
    await model.close();
  }
  return joined(found);
}

function joined(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
