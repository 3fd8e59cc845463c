import { EXIT, entry } from './entry.ts';

const REPORT = 'Correct the model that builds the graph. If the model is one of this package, please report this';

export const GRAPH_ERRORS = {
  GRAPH_SHAPE: entry(
    EXIT.internal,
    500,
    (d: { op: string; shapes: string; expected: string }) =>
      `${d.op}: shapes ${d.shapes} do not fit: expected ${d.expected}`,
    { onPage: REPORT },
  ),
  GRAPH_INVALID: entry(
    EXIT.internal,
    500,
    (d: { node: string; problem: string }) => `graph check failed at ${d.node}: ${d.problem}`,
    { onPage: REPORT },
  ),
  GRAPH_ROWS_MIXED: entry(
    EXIT.usage,
    400,
    (d: { node: string; how: string; shapes: string }) =>
      `${d.node} of ${d.shapes} ${d.how}: over several ranks, a model may mix the rows of a batch by sums only`,
    'Train the model on one rank, or write the term as sums over the rows',
  ),
} as const;
