/** Executors of graphs over embeddings, which are gathered from the table of an arena: validation, and finished models. */
import type { Session } from '../../runtime/contract.ts';
import { createExecutor, type Executor } from '../executor.ts';
import type { ModelArena } from './arena.ts';
import type { GateSource } from './gates.ts';
import { loadRows, parameterFeeds, type RowsToScore, rowFeeds, rowsOf, scalarFeeds } from './inputs.ts';

/** Rows, and the scalars that the graph takes. */
export interface Scored extends RowsToScore {
  scalars?: Readonly<Record<string, number>>;
}

/** Gives `logits` [size, T], and what else the graph gives. */
export interface ModelExecutor extends Executor<Scored> {
  /** Rows of a run at most. */
  capacity: number;
  /** What says which flows are kept, where gates are fed. */
  gates: GateSource | undefined;
}

/** `graph.scalars`: names of the scalars that it takes. `gates`: for a graph to which hard flow gates are fed. */
export function modelExecutor(
  { kernels, layout, weights, scoring, gateWidth }: ModelArena,
  session: Session,
  { scalars }: { scalars: readonly string[] },
  gates?: GateSource,
): ModelExecutor {
  const feeds = {
    ...parameterFeeds(weights),
    ...scalarFeeds(scalars),
    ...rowFeeds(layout, scoring),
    ...(gates && { gates: ({ size }: Scored) => rowsOf(scoring.gates, size, gateWidth) }),
  };
  const executor = createExecutor<Scored>(session, feeds, {
    finite: ['logits'],
    async load(rows) {
      // The gate network reads its own table through the same buffers, so it goes first.
      await gates?.fill(rows, scoring.gates.view);
      loadRows(kernels, layout, scoring, rows, weights.table);
    },
  });
  return { ...executor, capacity: scoring.capacity, gates };
}
