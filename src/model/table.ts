/** The embedding table that a model reads. */
import type { CommonOptions, ModelDefinition, ModelSizes } from './contract.ts';

/** Numbers per row of the table: what a field brings into the model's embedding input. */
export const tableDimension = (
  { tableDimension: own }: Pick<ModelDefinition<CommonOptions>, 'tableDimension'>,
  options: CommonOptions,
  sizes: ModelSizes,
): number => own?.(options, sizes) ?? options.embeddingDim;
