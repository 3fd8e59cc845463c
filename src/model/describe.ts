/** What a model offers, as data: its options and its size. */
import { z } from 'zod';
import type { CommonOptions, ModelDefinition } from './contract.ts';

export interface OptionDescription {
  name: string;
  /** Undefined where there is none. */
  default: unknown;
  required: boolean;
  description: string;
}

/** The options of a model, in the order of its schema; the key is none. */
export function describeOptions({ options }: ModelDefinition): OptionDescription[] {
  const { properties = {}, required = [] } = z.toJSONSchema(options, { io: 'input', unrepresentable: 'any' });
  return Object.entries(properties)
    .filter(([name]) => name !== 'key')
    .map(([name, property]) => {
      const { default: value, description = '' } = typeof property === 'object' ? property : {};
      return { name, default: value, required: required.includes(name), description };
    });
}

/** The default of an option as JSON, or why it has none. */
export const defaultText = ({ default: value, required }: OptionDescription): string =>
  value !== undefined ? JSON.stringify(value) : required ? 'required' : 'none';

/** Where runs of a model do not start from the defaults of every run: `train.learningRate=0.001`. */
export const describeTraining = ({ trainDefaults = {} }: ModelDefinition): string[] =>
  Object.entries(trainDefaults).map(([name, value]) => `train.${name}=${JSON.stringify(value)}`);

/** The options of a preset, or the defaults. */
export const presetOptions = (model: ModelDefinition, preset?: string): CommonOptions =>
  model.options.parse({ key: model.key, ...(preset !== undefined && (model.presets[preset].model as object)) });
