/** What a comparison of models is: data, models with their options, seeds, and what they are held against. */
import { z } from 'zod';

const partial = z.record(z.string(), z.unknown());

/** Options to try in every combination, by their path in the run configuration: `train.learningRate: [1e-3, 3e-4]`. */
const grid = z.record(z.string(), z.array(z.json()).min(1));

const model = z.strictObject({
  /** Key of the model. May be left out where `config` names it. */
  model: z.string().optional(),
  /** What tables call it. Default: the key. */
  label: z.string().min(1).optional(),
  /** A preset of the model. */
  preset: z.string().optional(),
  /** A file with a run configuration, for example what `tributary tune` found. */
  config: z.string().min(1).optional(),
  /** A run configuration, or a part of one. */
  options: partial.optional(),
  grid: grid.optional(),
});

/** A model that is trained for each task or scenario alone: what joint models must not fall behind. */
const reference = model.omit({ grid: true }).extend({ by: z.enum(['task', 'scenario']) });

export const compareSchema = z
  .strictObject({
    /** Folder of a prepared data set, or of several. */
    data: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]),
    /** At least one model: its key, or more about it. */
    models: z.array(model).min(1),
    /** Single-task and single-scenario models for the table of negative transfer. */
    references: z.array(reference).default([]),
    /** Each model is trained with each of them. */
    seeds: z
      .array(z.int().min(0))
      .min(1)
      .refine((seeds) => new Set(seeds).size === seeds.length, 'the seeds must differ')
      .default([1, 2, 3]),
    /** Label of the model that the others are tested against. Default: the first one. */
    baseline: z.string().optional(),
    /**
     * What models without a preset start from: their own defaults, or those that follow the size of the data, as `train` takes them.
     * `data` needs a single data set.
     */
    defaults: z.enum(['model', 'data']).default('model'),
    /** A part of a run configuration for all models: over presets, under a model's own `config` and `options`. */
    common: partial.default({}),
    /** For all models; a model's own grid comes on top. */
    grid: grid.default({}),
    /** Threads of each training. Results repeat bit for bit only with the same number. */
    threads: z.int().min(1).default(1),
    /** How p values of many comparisons are corrected. */
    correction: z.enum(['holm', 'benjamini-hochberg', 'none']).default('holm'),
    /** Of intervals; corrected p values below 1 - confidence are marked. */
    confidence: z.number().gt(0).lt(1).default(0.95),
    /** Adds simple predictors to the results, and tests every model against the best of them. */
    yardsticks: z.boolean().default(true),
    bootstrap: z
      .strictObject({ resamples: z.int().min(100).default(1000), seed: z.int().min(0).default(1) })
      .prefault({}),
  })
  .strict();

export type CompareConfig = z.output<typeof compareSchema>;
export type ModelEntry = CompareConfig['models'][number];
export type ReferenceEntry = CompareConfig['references'][number];

type Input = z.input<typeof compareSchema>;
/** A comparison as a user writes it: a model may be its key alone. */
export type CompareInput = Omit<Input, 'models'> & { models: (string | Input['models'][number])[] };

/** Gives a configuration module its types: `export default defineComparison({ ... })`. */
export const defineComparison = (comparison: CompareInput): CompareInput => comparison;
