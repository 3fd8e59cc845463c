/** The rows that flows are found in. */

/** A field as it is known before its rows are read. */
export interface FieldShape {
  name: string;
  /** Levels are 0 .. levels - 1. */
  levels: number;
  /** Values of a row: 1, or more for a multi-value field. */
  slots: number;
}

export interface FlowField extends FieldShape {
  /** [N, slots] level, or -1 for an empty slot. */
  ids: Int32Array;
}

export interface FlowRows {
  scenarios: number;
  tasks: number;
  rows: number;
  /** [N] */
  scenario: Int32Array;
  /** [N, T]: 0, 1, or NaN where the label is missing. */
  labels: Float64Array;
  /** [N] weight of each row, 0 or above, on any scale. Default: all the same. */
  weight?: Float64Array;
  /** [N, T] logits that are known: effects are what labels hold beyond them. Default: 0. */
  offset?: Float64Array;
  fields: readonly FlowField[];
}

/** Rows that are read in parts, again and again: every pass has the same rows in the same order. */
export interface FlowSource {
  scenarios: number;
  tasks: number;
  /** In all parts. */
  rows: number;
  fields: readonly FieldShape[];
  parts(): Iterable<FlowRows> | AsyncIterable<FlowRows>;
}

export const inMemory = (rows: FlowRows): FlowSource => ({
  scenarios: rows.scenarios,
  tasks: rows.tasks,
  rows: rows.rows,
  fields: rows.fields,
  parts: () => [rows],
});

/** Does the label at place i of [N, T] count? With ordered tasks, only where the task before it is 1. */
export const isAsked = ({ labels, tasks }: FlowRows, i: number, ordered: boolean): boolean =>
  !Number.isNaN(labels[i]) && !(ordered && i % tasks > 0 && !(labels[i - 1] > 0));

/** The name of the product of two fields, in the order of the data. */
export const pairName = (a: string, b: string): string => `${a} x ${b}`;
