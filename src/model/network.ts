/** What a model is for given options and data. */
import type {
  CommonOptions,
  ForwardOutputs,
  ModelDefinition,
  ModelSizes,
  Network,
  Owned,
  ParameterSpec,
  Step,
} from './contract.ts';
import { owned } from './layers/layer.ts';

/** The network that a model's options describe, for data of these sizes. */
export function networkOf(
  model: ModelDefinition<CommonOptions>,
  options: CommonOptions,
  sizes: ModelSizes,
): Network & { dimension: number } {
  return { dimension: options.embeddingDim, ...model.build(options, sizes) };
}

/** A network of layers, in the order in which files hold their numbers. */
export const network = (
  layers: readonly Owned[],
  forward: (step: Step) => ForwardOutputs,
  more: Pick<Network, 'gateLogits' | 'dimension'> = {},
): Network => ({ ...owned(layers), forward, ...more });

/** Numbers of all parameters. */
export const countNumbers = (parameters: readonly ParameterSpec[]): number =>
  parameters.reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);

/** Gives a definition its types: `export default defineModel({ ... })`. */
export const defineModel = <O extends CommonOptions>(definition: ModelDefinition<O>): ModelDefinition<O> => definition;
