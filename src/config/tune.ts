/** What a search for good options is: the data, the run that it starts from, the space, the method. */
import { z } from 'zod';

const count = z.int().min(1);

export const conditionSchema = z.record(z.string(), z.array(z.json()).min(1)).optional();

export const parameterSchema = z
  .strictObject({
    /** Both ends belong to the range. */
    low: z.number().optional(),
    high: z.number().optional(),
    /** Evenly over the logarithm: for learning rates and the like. */
    log: z.boolean().default(false),
    /** Whole numbers only. */
    int: z.boolean().default(false),
    /** Instead of a range: values of any kind. */
    choices: z.array(z.json()).min(1).optional(),
    /** The parameter is searched only where others, which stand before it, have one of these values. */
    when: conditionSchema,
  })
  .superRefine(
    (written, context) =>
      checkParameter(written, (path, message) => context.addIssue({ code: 'custom', path, message })),
    { when: () => true },
  );

const method = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('random'),
    /** Points to try. */
    trials: count,
  }),
  z.strictObject({
    /** The tree-structured Parzen estimator: points near good ones are tried. */
    kind: z.literal('tpe'),
    trials: count,
    /** Trials that are drawn evenly before. */
    startTrials: count.default(10),
    /** A trial is chosen without the values of this many minus one before it, so that as many run side by side. */
    parallel: count.default(4),
  }),
  z.strictObject({
    /** Successive halving: all trials get few epochs, the best of them more. */
    kind: z.literal('halving'),
    trials: count,
    /** Epochs, of all phases together, before trials are compared for the first time. */
    minEpochs: count.default(1),
    /** One of so many trials goes on, with as many times the epochs. */
    factor: z.int().min(2).default(3),
  }),
]);

export const tuneSchema = z.strictObject({
  /** Folder of the prepared data set. */
  data: z.string().min(1),
  /** Key of the model. May be left out where `options` or the space name it. */
  model: z.string().optional(),
  /** A preset of the model. */
  preset: z.string().optional(),
  /** The run configuration that parameters are set in, or a part of one. */
  options: z.record(z.string(), z.unknown()).default({}),
  /** Parameters to search, by their path in the run configuration (`train.learningRate`). */
  space: z
    .record(z.string(), parameterSchema)
    .refine((space) => Object.keys(space).length > 0, 'expected at least one parameter'),
  method,
  /** Of the search; that of trainings is `options.seed`. */
  seed: z.int().min(0).default(1),
});

export type TuneConfig = z.output<typeof tuneSchema>;
/** A tuning configuration as a user writes it. */
export type TuneInput = z.input<typeof tuneSchema>;
export type Parameter = z.output<typeof parameterSchema>;
export type TuneMethod = TuneConfig['method'];
export type Json = z.output<ReturnType<typeof z.json>>;

/** Gives a configuration module its types: `export default defineTune({ ... })`. */
export const defineTune = (tune: TuneInput): TuneInput => tune;

type Written = { [K in keyof Parameter]?: unknown };

/** What a range or a list of choices contradicts in itself. The values may be of any type: this runs even if there are other mistakes. */
function checkParameter(written: Written | null, report: (path: string[], message: string) => void): void {
  if (typeof written !== 'object' || written === null) return;
  const { low, high, log, int, choices } = written;
  if (choices !== undefined) {
    for (const [name, value] of Object.entries({ low, high, log: log || undefined, int: int || undefined }))
      if (value !== undefined) report([name], 'has no meaning beside choices');
    return;
  }
  if (low === undefined && high === undefined) report([], 'expected low and high, or choices');
  else if (low === undefined) report(['low'], 'is missing: expected a number');
  else if (high === undefined) report(['high'], 'is missing: expected a number');
  if (typeof low === 'number' && typeof high === 'number' && low >= high)
    report(['high'], `expected more than low (${low}), found ${high}`);
  if (log === true && typeof low === 'number' && low <= 0)
    report(['low'], `expected more than 0 on a logarithmic scale, found ${low}`);
  for (const [name, value] of Object.entries({ low, high }))
    if (int === true && typeof value === 'number' && !Number.isInteger(value))
      report([name], `expected a whole number, found ${value}`);
}
