import { EXIT, entry } from './entry.ts';

export const GRAPH_ERRORS = {
  GRAPH_SHAPE: entry(
    EXIT.internal,
    500,
    (d: { op: string; shapes: string; expected: string }) =>
      `${d.op}: shapes ${d.shapes} do not fit: expected ${d.expected}`,
  ),
  GRAPH_INVALID: entry(
    EXIT.internal,
    500,
    (d: { node: string; problem: string }) => `graph check failed at ${d.node}: ${d.problem}`,
  ),
} as const;
