/** The analysis: rows -> effects of fields -> terms -> verdicts. */
import { z } from 'zod';
import { type Effects, fieldEffects } from './effects/effects.ts';
import type { FlowSource } from './rows.ts';
import { type Term, termsOf } from './terms.ts';
import { type Verdicts, verdictsOf } from './verdict.ts';

export const flowOptions = z.strictObject({
  /** Ridge penalty on the effects of coarse levels. */
  ridge: z.number().positive().default(1),
  /** Fields with at most this many levels are estimated all together; others are ids. */
  maxLevels: z.int().min(2).default(64),
  /** Levels of an id field that the likelihood reads, the most informative ones. */
  maxRows: z.int().min(1).default(1000),
  /** Standard deviation of what structure does not explain, as a share of a term's root mean square. */
  misfit: z.number().min(0).default(0.1),
  /** Useless means: below this share of the flow's usual strength. */
  delta: z.number().positive().max(1).default(0.5),
  /** False discovery rate of the claims. */
  q: z.number().positive().max(1).default(0.05),
  /** Level at which a field feeds a flow, divided by the number of tests. */
  alpha: z.number().positive().max(1).default(0.01),
  /** Adds products of two coarse fields as terms. */
  pairs: z.boolean().default(false),
  /** A task counts only on rows where the task before it is 1 (click, then purchase). */
  orderedTasks: z.boolean().default(false),
  /** Positives, and negatives, that a cell needs: with fewer it stays undecided. */
  minCount: z.int().min(1).default(10),
});
export type FlowOptions = z.output<typeof flowOptions>;

export interface FlowAnalysis {
  effects: Effects;
  terms: Term[];
  verdicts: Verdicts;
}

/** Which flows reach which cells, from labelled rows. Takes a few seconds for 50,000 rows of 20 fields. */
export async function analyseFlows(source: FlowSource, options: FlowOptions): Promise<FlowAnalysis> {
  const { scenarios: S, tasks: T } = source;
  const effects = await fieldEffects(source, options);
  const terms = termsOf(effects, S, T, options);
  return { effects, terms, verdicts: verdictsOf(terms, S, T, options) };
}
