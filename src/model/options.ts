/** Options that several models have, and the presets of the baselines. */
import { z } from 'zod';
import type { ModelDefinition, Problem } from './contract.ts';
import type { Heads } from './layers/heads.ts';

/** How many, or how wide: at least 1. */
export const positive = z.int().min(1);

export const nonNegative = z.number().min(0);

export const widths = z.array(positive);

export const commonOptions = {
  embeddingDim: positive.default(16).describe('numbers per field embedding'),
  dropout: z.number().min(0).lt(1).default(0).describe('share of numbers dropped after each ReLU'),
  pairs: z
    .boolean()
    .optional()
    .describe('true: the inner products of all pairs of field embeddings are inputs, too (default: false)'),
};

/** The schema of a model's options: its key, those of all models, and its own. */
export const modelOptions = <K extends string, S extends z.ZodRawShape>(key: K, own: S) =>
  z.strictObject({ key: z.literal(key).default(key), ...commonOptions, ...own });

/** Options that several models have and others do not. */
export const option = {
  heads: (byDefault: Heads) =>
    z
      .enum(['product', 'shared'])
      .default(byDefault)
      .describe('an answer for each (task, scenario) pair, or one per task for all scenarios'),
  towerDims: (byDefault: number[]) =>
    widths.default(byDefault).describe("widths of each head's tower before its answer"),
  scenarioDim: positive.default(16).describe("numbers of a scenario's own embedding"),
  norm: z
    .enum(['none', 'batch'])
    .default('none')
    .describe('normalisation between the product and the ReLU of each dense layer'),
};

/** A problem of the option at `path`, if there is one. */
export const problemIf = (wrong: boolean, path: string, message: string): Problem[] =>
  wrong ? [{ path, message }] : [];

/** Options of models that end in a tower for each head. */
export const towerOptions = (towerDims: number[], heads: Heads) => ({
  towerDims: option.towerDims(towerDims),
  heads: option.heads(heads),
  norm: option.norm,
});

/** How published comparisons train their baselines. A run's own defaults are those of AutoIFS' authors. */
export const BASELINE_TRAINING = { learningRate: 1e-3, l2: 1e-5 };

/** Training and presets of a baseline. `light`, the defaults: for small data and CPUs. `paper`: widths of published comparisons. */
export const baseline = (paper: Record<string, unknown>): Pick<ModelDefinition, 'trainDefaults' | 'presets'> => ({
  trainDefaults: BASELINE_TRAINING,
  presets: { light: {}, paper: { model: paper } },
});
