/** What simple predictors reach on the same rows, and how much better a model is. */
import { z } from 'zod';
import { gridSchema } from './grid.ts';

export const yardstickKey = z.enum(['priors', 'logistic', 'trees']);

export const yardsticksSchema = z.strictObject({
  /** Of the rows that the model is measured on. */
  measured: z.array(z.strictObject({ key: yardstickKey, grid: gridSchema })).min(1),
  /** Mean AUC of the model minus that of the best of them, with its 95 % interval; null where a mean is undefined. */
  margin: z
    .strictObject({
      against: yardstickKey,
      difference: z.number(),
      low: z.number(),
      high: z.number(),
    })
    .nullable(),
});

export type YardsticksDocument = z.output<typeof yardsticksSchema>;
