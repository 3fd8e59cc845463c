/** What a model is for given options and data. */
import type {
  CommonOptions,
  ForwardInputs,
  ModelDefinition,
  ModelSizes,
  Network,
  ParameterSpec,
  Step,
} from './contract.ts';

/** The network that a model's options describe, for data of these sizes. */
export function networkOf(model: ModelDefinition<CommonOptions>, options: CommonOptions, sizes: ModelSizes): Network {
  // Inputs of a step may be made when they are first read: they stay behind the new object.
  const inputs = (step: Step): ForwardInputs<CommonOptions> => Object.assign(Object.create(step), { options, sizes });
  const { flowSelection } = model;
  return {
    parameters: model.parameters(options, sizes),
    buffers: model.buffers?.(options, sizes) ?? [],
    dimension: model.tableDimension?.(options, sizes) ?? options.embeddingDim,
    forward: (step) => model.forward(inputs(step)),
    ...(flowSelection && { gateLogits: (step: Step) => flowSelection.gateLogits(inputs(step)) }),
  };
}

/** Numbers of all parameters. */
export const countNumbers = (parameters: readonly ParameterSpec[]): number =>
  parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
