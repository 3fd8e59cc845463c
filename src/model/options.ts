/** Options that several models have, and the presets of the baselines. */
import { z } from 'zod';
import type { Heads } from './layers/heads.ts';

export const widths = z.array(z.int().min(1));

export const commonOptions = {
  embeddingDim: z.int().min(1).default(16).describe('numbers per field embedding'),
  dropout: z.number().min(0).lt(1).default(0).describe('share of numbers dropped after each ReLU'),
};

export const headsOption = (byDefault: Heads) =>
  z
    .enum(['product', 'shared'])
    .default(byDefault)
    .describe('an answer for each (task, scenario) pair, or one per task for all scenarios');

export const scenarioDimOption = z.int().min(1).default(16).describe("numbers of a scenario's own embedding");

export const normOption = z
  .enum(['none', 'batch'])
  .default('none')
  .describe('normalisation between the product and the ReLU of each dense layer');

/** How published comparisons train their baselines. A run's own defaults are those of AutoIFS' authors. */
export const BASELINE_TRAINING = { learningRate: 1e-3, l2: 1e-5 };

/** `light`, the defaults: for small data and CPUs. `paper`: widths for comparisons with published tables. */
export const presets = (paper: Record<string, unknown>): Record<string, Record<string, unknown>> => ({
  light: {},
  paper: { model: paper },
});
