/** What an analysis of flows found: which flows carry something, in which cells. */
import { z } from 'zod';
import { count, partSeconds, seconds } from './parts.ts';

/** The four flows in their order: where information comes from (scenario side) and what it is for (task side). */
export const FLOW_NAMES = [
  'scenario-shared -> task-shared',
  'scenario-specific -> task-specific',
  'scenario-shared -> task-specific',
  'scenario-specific -> task-shared',
] as const;

const FLOWS = FLOW_NAMES.length;

/** The reason where a cell has so few labels of a kind that nothing is estimated. */
export const TOO_FEW = 'too few positives or negatives in this cell';

const estimates = z.strictObject({
  /** Weight of the flow's score on rows that the search never saw: 1 where it is worth what it was, 0 where nothing. */
  coefficient: z.number(),
  low: z.number(),
  high: z.number(),
  /** AUC without the flow minus AUC with it, and its 95 % interval. */
  aucChange: z.number(),
  aucLow: z.number(),
  aucHigh: z.number(),
  /** Log loss without the flow minus log loss with it, and its 95 % interval. */
  loglossChange: z.number(),
  loglossLow: z.number(),
  loglossHigh: z.number(),
  rows: count,
  positives: count,
});

/** What a flow is worth in a cell, on validation rows. */
export type FlowEstimates = z.output<typeof estimates>;

/** Of a flow in a cell. */
export const verdict = z.enum(['useful', 'useless', 'likely useless', 'undecided']);

/** Structures of a model that a flow test can lead to: what the test found; the same, but the shared flow reads all fields; all open. */
const STRUCTURES = ['verdict', 'verdict, all fields shared', 'keep all'] as const;

const structureChoice = z.strictObject({
  chosen: z.enum(STRUCTURES),
  /** Training rows of the trial, and validation rows that decide. */
  rows: count,
  validationRows: count,
  /** Mean log loss of these rows where the rates of the cells are the answers. Absent in version 0.2. */
  rates: z.number().optional(),
  structures: z.array(
    z.strictObject({
      structure: z.enum(STRUCTURES),
      /** Dense parameters. */
      parameters: count,
      /** Steps that it was trained. */
      steps: count,
      /** Mean log loss of the validation rows, at the best moment. */
      logloss: z.number(),
      /** Log loss minus that of the first structure after as many steps, and its 95 % interval. */
      difference: z.strictObject({ value: z.number(), low: z.number(), high: z.number() }).optional(),
    }),
  ),
});

/** Which structure a run took, by short trainings of each. */
export type StructureChoice = z.output<typeof structureChoice>;

export const flowDocumentSchema = z.strictObject({
  schema: z.literal('flows/1'),
  /** Name and hash of the data set. */
  data: z.string(),
  dataHash: z.string(),
  /** What was analysed: labels of training rows, or what a model answers. */
  source: z.enum(['labels', 'model']),
  run: z.string().optional(),
  /** Rows analysed, and rows there are. */
  rows: count,
  of: count,
  scenarios: z.array(z.string()),
  tasks: z.array(z.string()),
  orderedTasks: z.boolean(),
  flows: z.array(
    z.strictObject({
      scenario: z.string(),
      task: z.string(),
      flow: z.int().min(1).max(FLOWS),
      name: z.string(),
      /** Relative to the flow's usual strength. */
      strength: z.number(),
      verdict,
      /** Of the test behind the verdict: of "at least half the usual strength" where useless, else of "none". */
      p: z.number(),
      certificate: estimates.nullable(),
      /** Why nothing is claimed. */
      reason: z.string().optional(),
    }),
  ),
  fields: z.array(
    z.strictObject({
      field: z.string(),
      /** Of all explained variance, what the field brings to each of the four flows. */
      share: z.array(z.number()).length(FLOWS),
      /** Does each flow read it? */
      reads: z.array(z.boolean()).length(FLOWS),
    }),
  ),
  /** Of all explained variance, what each flow carries. */
  shares: z.array(z.number()).length(FLOWS),
  /** Flows that no field is seen to feed: the field that could bring most, and the 95 % limit of its share. */
  absent: z.array(z.strictObject({ flow: z.int(), field: z.string(), share: z.number() })).optional(),
  /** Of a model: flows that it takes nothing through although the labels hold effects of these fields there. */
  left: z.array(z.strictObject({ flow: z.int(), fields: z.array(z.string()) })).optional(),
  /** What the data cannot say, and why. */
  notes: z.array(z.string()),
  /** Of a run whose model is built from this verdict. */
  structure: structureChoice.optional(),
  /** Time that the test and the choice of the structure took. */
  cost: z.strictObject({ seconds, processorSeconds: seconds, parts: partSeconds.optional() }).optional(),
});

export type FlowDocument = z.output<typeof flowDocumentSchema>;
