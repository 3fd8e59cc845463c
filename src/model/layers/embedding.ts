/** Vectors of scenarios (or other small sets) that belong to a model. The embeddings of fields live outside the graph. */
import { matmul, oneHot, type Tensor } from '../../graph/index.ts';
import type { ParameterSpec } from '../contract.ts';

type Parameters = (name: string) => Tensor;

/** The vector of each row's own index: int32 [B] -> [B, width], from the parameter `name` [count, width]. */
export function embedded(indices: Tensor, name: string, parameter: Parameters): Tensor {
  const table = parameter(name); // [count,width]
  return matmul(oneHot(indices, table.shape[0] as number), table); // [B,width]
}

/** Xavier-uniform over the table. */
export const embeddingParameters = (name: string, count: number, width: number): ParameterSpec[] => [
  {
    name,
    shape: [count, width],
    initializer: { kind: 'uniform', bound: Math.sqrt(6 / (count + width)) },
    group: 'weight',
  },
];
