/** What simple predictors reach on the same rows, and how much better a model is. */
import { z } from 'zod';
import { gridSchema } from './grid.ts';

export const yardstickKey = z.enum(['priors', 'logistic', 'trees']);

/** With its 95 % interval. */
const estimate = z.strictObject({ value: z.number(), low: z.number(), high: z.number() });

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
      /**
       * By cell, from the same bootstrap: the AUC of the model, and its difference to the same yardstick; null for cells that do not count in means or have too few
       * rows. Older documents lack it.
       */
      cells: z.array(z.strictObject({ auc: estimate, difference: estimate }).nullable()).optional(),
    })
    .nullable(),
});

export type YardsticksDocument = z.output<typeof yardsticksSchema>;
