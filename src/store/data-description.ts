/** The description of a model's data in model files and artifacts, as in the data set's manifest. */
import { z } from 'zod';
import { fieldKind } from '../config/dataset/fields.ts';

const count = z.int().min(0);

/** Position of a field's ids in the table and in a row. */
export const fieldDescription = z.strictObject({
  name: z.string(),
  kind: fieldKind,
  offset: count,
  size: count,
  slots: z.int().min(1),
  pooling: z.enum(['mean', 'sum']),
  edges: z.array(z.number()).optional(),
  /** Of a rate: the fields that it follows from, and the id of the mean rate. */
  rates: z.strictObject({ of: z.array(z.string()).min(1), unknown: count }).optional(),
});

export const dataDescription = z.strictObject({
  name: z.string(),
  /** Rows of the embedding table. */
  tableRows: count,
  fields: z.array(fieldDescription),
  scenarios: z.array(z.string()).min(1),
  tasks: z.array(z.string()).min(1),
  /** Does each task happen only after the one before it? */
  orderedTasks: z.boolean().optional(),
  /** Behaviour sequences, if the data have them. */
  sequences: z
    .strictObject({
      itemField: z.string(),
      length: z.int().min(1),
      types: z.array(z.string()).min(1),
      from: z.enum(['train rows', 'earlier rows', 'given lists']),
    })
    .optional(),
});
