/** What a model is for given options and data. */
import type { ZodType, z } from 'zod';
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
import { inputWidth } from './layers/fields.ts';
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

/** A definition as it is written: `build` may be left out where there is a `top`. */
type Declaration<S extends ZodType<CommonOptions>> = Omit<ModelDefinition<z.output<S>>, 'options' | 'build'> &
  Partial<Pick<ModelDefinition<z.output<S>>, 'build'>> & { options: S };

/**
 * Gives a definition its types: `export default defineModel({ ... })`. By itself a model with a `top` is this top on the row's
 * embeddings, unless it says otherwise.
 */
export function defineModel<S extends ZodType<CommonOptions>>(definition: Declaration<S>): Defined<S> {
  const { top } = definition;
  if (top === undefined) return definition as Defined<S>;
  const build: ModelDefinition<z.output<S>>['build'] = (options, sizes) => {
    const whole = top(options, inputWidth(options, sizes), sizes);
    return network([whole], (step) => whole(step.embedding, step));
  };
  return { ...definition, build: definition.build ?? build } as Defined<S>;
}

export type Defined<S extends ZodType<CommonOptions>> = ModelDefinition<z.output<S>> & { options: S };

/** The options of a model of the zoo. */
export type OptionsOf<M extends { options: ZodType }> = z.output<M['options']>;
