/** The grid of metrics as a document: null where a metric is undefined, with the reason next to it. */
import { z } from 'zod';
import { type Grid, MACRO_METRICS, type Metric, numberOf } from '../evaluate/index.ts';
import { count, metric } from './parts.ts';

const CELL_METRICS = [...MACRO_METRICS, 'positiveRate', 'meanProbability'] as const;

export type CellMetric = (typeof CELL_METRICS)[number];

const macroMetrics = z.strictObject({
  auc: metric,
  logloss: metric,
  groupedAuc: metric,
  ndcg: metric,
  map: metric,
  calibrationError: metric,
});

const cell = macroMetrics.extend({
  scenario: z.string(),
  task: z.string(),
  positiveRate: metric,
  meanProbability: metric,
  rows: count,
  positives: count,
  unlabelled: count,
  /** Why the cell does not count in `macro`. */
  leftOut: z.string().optional(),
  /** Why a metric is undefined. */
  reasons: z.partialRecord(z.enum(CELL_METRICS), z.string()).optional(),
});

/** Which cells count in means over cells. */
export const meansRule = z.strictObject({
  minPositives: count,
  minNegatives: count,
  weights: z.enum(['equal', 'positives']),
  /** No cell has the minimum: all count equally. */
  fallback: z.boolean(),
});

export const gridSchema = z.strictObject({
  macro: macroMetrics,
  /** NDCG and MAP are of the first k rows of a list. */
  k: z.int().min(1),
  /** Which cells count in `macro`, and how many of them there are. */
  means: meansRule.extend({ cells: count, of: count }),
  /** Scenario by scenario, task by task. */
  cells: z.array(cell),
});

/** Buckets of equal width by predicted probability, those that have rows. */
export const bucketsSchema = z.array(
  z.strictObject({
    rows: count,
    positives: count,
    meanProbability: z.number(),
    /** Share of positives, and its 95 % interval (Wilson). */
    positiveRate: z.number(),
    low: z.number(),
    high: z.number(),
  }),
);

export type Buckets = z.output<typeof bucketsSchema>;

/** How well the probabilities of each cell fit. */
export const reliabilitySchema = z.array(
  z.strictObject({ scenario: z.string(), task: z.string(), buckets: bucketsSchema }),
);

export type Reliability = z.output<typeof reliabilitySchema>;

export const reliabilityOf = ({ cells }: Grid): Reliability =>
  cells.map(({ scenario, task, buckets = [] }) => ({ scenario, task, buckets }));

/** What `--json` prints of a grid. */
export type GridJson = z.output<typeof gridSchema>;

export function gridToJson({ cells, macro, k, means }: Grid): GridJson {
  return {
    macro: valuesOf(macro, MACRO_METRICS),
    k,
    means: { ...means, cells: cells.filter(({ leftOut }) => leftOut === undefined).length, of: cells.length },
    cells: cells.map((cell) => {
      const { scenario, task, rows, positives, unlabelled, leftOut } = cell;
      const undefinedOnes = CELL_METRICS.flatMap((name) =>
        'undefined' in cell[name] ? [[name, cell[name].undefined]] : [],
      );
      return {
        scenario,
        task,
        ...valuesOf(cell, CELL_METRICS),
        rows,
        positives,
        unlabelled,
        ...(leftOut !== undefined && { leftOut }),
        ...(undefinedOnes.length > 0 && { reasons: Object.fromEntries(undefinedOnes) }),
      };
    }),
  };
}

const valuesOf = <K extends string>(metrics: Record<K, Metric>, names: readonly K[]): Record<K, number | null> =>
  Object.fromEntries(names.map((name) => [name, numberOf(metrics[name])])) as Record<K, number | null>;
