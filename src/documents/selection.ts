/** What `select` decided, and how the graphs it wrote were compared with the model. */
import { z } from 'zod';
import { count, metric, seconds } from './parts.ts';

/** What an artifact's manifest says of a selection. */
export const selectionRecord = z.strictObject({
  kind: z.enum(['exact', 'lossy']),
  /** Rates of gates below it were taken for never, rates above 1 - epsilon for always. */
  epsilon: z.number(),
  /** Are large weights stored in eight bits? */
  int8: z.boolean(),
  /** The rows that the constants were measured on, by scenario: nothing is proven for others. */
  measured: z.strictObject({ splits: z.array(z.string()), rows: z.array(count) }),
  /** [S][n] by name of the gates or choice: never (0), always (1), or from row to row (null). */
  decisions: z.record(z.string(), z.array(z.array(z.union([z.literal(0), z.literal(1), z.null()])))),
  /** Rows of a split, how many of them differ by more than 1e-6 in a probability, the largest difference, mean AUC before and after. */
  compared: z.array(
    z.strictObject({
      split: z.string(),
      rows: count,
      differing: count,
      largest: z.number(),
      auc: z.strictObject({ before: metric, after: metric }),
    }),
  ),
  /** [S] milliseconds of a batch of 100 rows on one thread, medians; null for a scenario without rows. */
  latency: z.array(z.strictObject({ before: z.number(), after: z.number() }).nullable()),
});

export type SelectionRecord = z.output<typeof selectionRecord>;

/** A graph in numbers. */
const graphSize = z.strictObject({
  /** Name of the one scenario that it answers; absent for graphs of all. */
  scenario: z.string().optional(),
  /** Of one row, products only. */
  multiplyAdds: count,
  parameters: count,
  bytes: count,
  /** Embedding tables that it reads. */
  tables: z.array(z.string()),
});

export const selectionSchema = selectionRecord.extend({
  schema: z.literal('selection/1'),
  /** The run, the folder of the artifact, its name and id. */
  run: z.string(),
  out: z.string(),
  name: z.string(),
  id: z.string(),
  score: z.strictObject({ default: z.string(), scenarios: z.record(z.string(), z.string()) }),
  /** Mean AUC that the graphs lose on validation rows, and the AUC that each cell with one loses. */
  loss: z.strictObject({
    mean: z.number(),
    cells: z.array(z.strictObject({ scenario: z.string(), task: z.string(), loss: z.number() })),
  }),
  /** Calibration error before and after, in the order of `compared`. */
  calibrationError: z.array(z.strictObject({ before: metric, after: metric })),
  /** The model as it is, the graph of all scenarios, one for each. */
  graphs: z.strictObject({ before: graphSize, joint: graphSize, scenarios: z.array(graphSize) }),
  seconds,
});

export type SelectionDocument = z.output<typeof selectionSchema>;
