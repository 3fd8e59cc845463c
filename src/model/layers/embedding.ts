/** Vectors of scenarios (or other small sets) that belong to a model. The embeddings of fields live outside the graph. */
import { matmul, oneHot, type Tensor } from '../../graph/index.ts';
import type { Layer } from '../contract.ts';
import { layer, parameter } from './layer.ts';

/** The vector of each row's own index: int32 [B] -> [B, width]. `table` [count, width] is drawn by Xavier's uniform rule. */
export function embedding(
  name: string,
  { count, width }: { count: number; width: number },
): Layer<[indices: Tensor]> & { table: Layer<[]> } {
  const table = parameter(name, [count, width], { kind: 'uniform', bound: Math.sqrt(6 / (count + width)) });
  return Object.assign(
    layer([table], (indices, step) => {
      const vectors = table(step); // [count,width]
      return matmul(oneHot(indices, count), vectors); // [B,width]
    }),
    { table },
  );
}
