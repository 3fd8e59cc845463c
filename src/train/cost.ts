/** The cost of a model in counts that do not depend on the machine. */
import { multiplyAdds } from '../graph/index.ts';
import { gateGraph, inferenceGraph } from '../inference/graphs/forward.ts';
import type { CommonOptions, ModelDefinition, ModelSizes } from '../model/contract.ts';
import { countNumbers, networkOf } from '../model/network.ts';

export interface ParameterCounts {
  /** Size of all parameters except the embedding table, in numbers; includes gate networks. */
  denseParameters: number;
  /** Size of the embedding table, in numbers. */
  embeddingParameters: number;
}

export interface ModelCost extends ParameterCounts {
  /** Multiply-adds in matrix products to score one more row; includes gate networks. */
  multiplyAddsPerRow: number;
}

export const countParameters = (
  model: ModelDefinition<CommonOptions>,
  options: CommonOptions,
  sizes: ModelSizes,
  tableRows: number,
): ParameterCounts => {
  const { parameters, dimension } = networkOf(model, options, sizes);
  return { denseParameters: countNumbers(parameters), embeddingParameters: tableRows * dimension };
};

export function modelCost(
  model: ModelDefinition<CommonOptions>,
  options: CommonOptions,
  sizes: ModelSizes,
  tableRows: number,
): ModelCost {
  const request = { model, options, sizes, batchSize: 1 } as const;
  const graphs =
    model.flowSelection === undefined
      ? [inferenceGraph({ ...request, phase: 'train' })]
      : [inferenceGraph({ ...request, phase: 'retrain' }), gateGraph({ ...request, phase: 'retrain' })];
  const of = (rows: number): number =>
    graphs.flatMap(({ products }) => products).reduce((sum, product) => sum + multiplyAdds(product, rows), 0);
  return {
    ...countParameters(model, options, sizes, tableRows),
    multiplyAddsPerRow: of(2) - of(1), // products of parameters only are computed once per batch
  };
}
