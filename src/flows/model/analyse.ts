/** The analysis of a model: its logits -> effects of fields -> terms -> verdicts. */
import { analyseFlows, type FlowAnalysis, type FlowOptions } from '../analysis.ts';
import type { Effects } from '../effects/effects.ts';
import { type FlowRows, inMemory } from '../rows.ts';
import type { Term } from '../terms.ts';
import { type Verdicts, verdictsOf } from '../verdict.ts';
import { modelTerms, ownLogits } from './logits.ts';

/** What labels hold that a model's answers leave out. */
export type Left = Pick<FlowAnalysis, 'terms' | 'verdicts'>;

export interface ModelAnalysis {
  terms: Term[];
  verdicts: Verdicts;
  effects: Pick<Effects, 'fields'>;
  /** Where the model takes nothing through a flow that could exist. */
  left?: Left;
}

/**
 * Which flows a model uses, by its logits [N, S, T] of the rows under every scenario. Ids are not used. That a model takes nothing through
 * a flow says little about a model that has learned little: then the labels are asked what they hold beyond its answers.
 */
export async function analyseModel(rows: FlowRows, logits: Float32Array, options: FlowOptions): Promise<ModelAnalysis> {
  const { scenarios: S, tasks: T } = rows;
  const { terms, fields } = modelTerms(rows, logits, options.maxLevels);
  const verdicts = verdictsOf(terms, S, T, options);
  const found = { terms, verdicts, effects: { fields } };
  if (verdicts.exists.every((does, k) => does || !verdicts.possible[k])) return found;
  const offset = Float64Array.from(ownLogits(rows, logits));
  const left = await analyseFlows(inMemory({ ...rows, offset }), { ...options, orderedTasks: false });
  return { ...found, left };
}
