/** How often the flows of a model reach their tasks, and its experts their rows: what `flows` measured on a split. */
import { z } from 'zod';
import { count, metric } from './parts.ts';

/** Share of the rows of a scenario; null without rows. */
const rate = metric;

/** One flow of one cell: of how many rows of the scenario it is kept. */
const flowRate = z.strictObject({
  scenario: z.string(),
  task: z.string(),
  flow: z.string(),
  kept: count,
  rows: count,
  rate,
});

/** One expert of one choice: how many rows of the scenario use it. */
const choiceRate = z.strictObject({
  scenario: z.string(),
  choice: z.string(),
  expert: count,
  chosen: count,
  rows: count,
  rate,
});

export const flowRatesSchema = z.strictObject({
  schema: z.literal('flow-rates/1'),
  run: z.string(),
  /** Name of the data set. */
  data: z.string(),
  split: z.enum(['train', 'validation', 'test']),
  /** Rows that were measured. */
  rows: count,
  /** Scenario by scenario, task by task, flow by flow; empty for models without flow gates. */
  flows: z.array(flowRate),
  /** Choice by choice, scenario by scenario, expert by expert. */
  choices: z.array(choiceRate),
});

export type FlowRatesDocument = z.output<typeof flowRatesSchema>;
