/** What a model offers, as data: its options and its size. */
import { z } from 'zod';
import type { ModelDefinition, ModelSizes } from './contract.ts';

export interface OptionDescription {
  name: string;
  /** Undefined where it must be given. */
  default: unknown;
  description: string;
}

/** The options of a model, in the order of its schema; the key is none. */
export function describeOptions({ options }: ModelDefinition): OptionDescription[] {
  const { properties = {} } = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties)
    .filter(([name]) => name !== 'key')
    .map(([name, property]) => {
      const { default: value, description = '' } = typeof property === 'object' ? property : {};
      return { name, default: value, description };
    });
}

/** Where runs of a model do not start from the defaults of every run: `train.learningRate=0.001`. */
export const describeTraining = ({ trainDefaults = {} }: ModelDefinition): string[] =>
  Object.entries(trainDefaults).map(([name, value]) => `train.${name}=${JSON.stringify(value)}`);

/** Dense parameters of a model with the options of a preset, or with its defaults. */
export function countParameters(model: ModelDefinition, sizes: ModelSizes, preset?: string): number {
  const chosen = preset === undefined ? {} : (model.presets[preset].model as object | undefined);
  const options = model.options.parse({ key: model.key, ...chosen });
  return model
    .parameters(options, sizes)
    .reduce((sum, { shape }) => sum + shape.reduce((product, size) => product * size, 1), 0);
}
