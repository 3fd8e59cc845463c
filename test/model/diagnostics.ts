/** Inner values of a model as it scores, in float64. */
import { buildForward, inferenceGraph } from '../../src/inference/graphs/forward.ts';
import { evaluate, type Numbers } from '../graph/evaluate.ts';
import { type Feeds, feedsFor, type Setup } from './support.ts';

/** Random numbers for all that scoring takes. */
export const scoringFeeds = (setup: Setup, rows: number): Feeds => feedsFor(inferenceGraph(setup).inputs, setup, rows);

/** What `forward` gives besides the logits, from the definitions of the ops. */
export function diagnostics(setup: Setup, feeds: Feeds): Record<string, Numbers> {
  return evaluate(buildForward(setup, false).forward.diagnostics ?? {}, feeds, feeds.embedding.shape[0]);
}
