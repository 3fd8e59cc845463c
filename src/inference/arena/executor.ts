/** Executors of graphs over embeddings, gathered from the table of an arena: for validation and finished models. */
import type { Session } from '../../runtime/contract.ts';
import { createExecutor, type Executor } from '../executor.ts';
import type { ModelArena } from './arena.ts';
import type { GateSource } from './gates.ts';
import { loadRows, parameterFeeds, type RowsToScore, rowFeeds, rowsOf, scalarFeeds } from './inputs.ts';

/** Rows, and the scalar inputs of the graph. */
export interface Scored extends RowsToScore {
  scalars?: Readonly<Record<string, number>>;
}

/** Returns `logits` [size, T] and the other outputs of the graph. */
export interface ModelExecutor extends Executor<Scored> {
  /** Max rows per run. */
  capacity: number;
  /** Names of the outputs. */
  outputs: readonly string[];
  /** Source of the gates, if the graph takes them as input. */
  gates: GateSource | undefined;
}

/** `graph.scalars`: names of its scalar inputs. `gates`: for a graph that takes hard flow gates as input. */
export function modelExecutor(
  { layout, weights, scoring, gateWidth }: ModelArena,
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
      // The gate network reads another table through the same arrays, so it runs first.
      await gates?.fill(rows, scoring.gates.view);
      await loadRows(layout, scoring, rows, weights.tables);
    },
  });
  return { ...executor, capacity: scoring.capacity, outputs: session.outputs, gates };
}
